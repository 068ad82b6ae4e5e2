(class_declaration name: (_) @name body: (_) @body @members) @definition.type
(record_declaration name: (_) @name body: (_) @body @members) @definition.type
(enum_declaration
  name: (_) @name body: (enum_body (enum_body_declarations)? @members) @body) @definition.type
(interface_declaration name: (_) @name body: (_) @body @members) @definition.interface
(annotation_type_declaration name: (_) @name body: (_) @body) @definition.interface
(method_declaration name: (_) @name body: (_)? @body) @definition.method
(constructor_declaration name: (_) @name body: (_) @body) @definition.method
(compact_constructor_declaration name: (_) @name body: (_) @body) @definition.method

(ERROR) @container

(line_comment) @leading
(block_comment) @leading
