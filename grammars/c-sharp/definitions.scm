(class_declaration name: (_) @name body: (_) @body @members) @definition.type
(struct_declaration name: (_) @name body: (_) @body @members) @definition.type
(record_declaration name: (_) @name body: (_)? @body @members) @definition.type
(enum_declaration name: (_) @name body: (_) @body) @definition.type
(delegate_declaration name: (_) @name) @definition.type
(interface_declaration name: (_) @name body: (_) @body @members) @definition.interface
(namespace_declaration name: (_) @name body: (_) @body @inner) @definition.module

(method_declaration name: (_) @name body: (_)? @body) @definition.method
(constructor_declaration name: (_) @name body: (_)? @body) @definition.method
(destructor_declaration name: (_) @name body: (_)? @body) @definition.method
(operator_declaration operator: _ @name body: (_)? @body) @definition.method
(property_declaration name: (_) @name accessors: (_)? @body) @definition.variable
(global_statement (local_function_statement name: (_) @name body: (_) @body)) @definition.function

(ERROR) @container

(comment) @leading
