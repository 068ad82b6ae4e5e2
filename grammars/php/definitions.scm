(function_definition name: (_) @name body: (_) @body) @definition.function
(class_declaration name: (_) @name body: (_) @body @members) @definition.type
(trait_declaration name: (_) @name body: (_) @body @members) @definition.type
(enum_declaration name: (_) @name body: (_) @body @members) @definition.type
(interface_declaration name: (_) @name body: (_) @body @members) @definition.interface
(namespace_definition name: (_)? @name body: (_) @body @inner) @definition.module
(method_declaration name: (_) @name body: (_)? @body) @definition.method
(const_declaration (const_element (name) @name)) @definition.variable

(ERROR) @container

(comment) @leading
