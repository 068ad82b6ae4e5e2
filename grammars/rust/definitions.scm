; Functions; those in an impl or a trait are methods.
(function_item name: (_) @name body: (_) @body) @definition.function
(function_signature_item name: (_) @name) @definition.function

(struct_item name: (_) @name body: (_)? @body) @definition.type
(union_item name: (_) @name body: (_) @body) @definition.type
(enum_item name: (_) @name body: (_) @body) @definition.type
(type_item name: (_) @name) @definition.type
(associated_type name: (_) @name) @definition.type

(trait_item name: (_) @name body: (_) @body @members) @definition.interface
(impl_item type: (_) @name body: (_)? @body @members) @definition.module
(mod_item name: (_) @name body: (_)? @body @inner) @definition.module

(const_item name: (_) @name) @definition.variable
(static_item name: (_) @name) @definition.variable
(macro_definition name: (_) @name) @definition.macro

(foreign_mod_item body: (_) @container)
(ERROR) @container

(line_comment) @leading
(block_comment) @leading
(attribute_item) @leading
