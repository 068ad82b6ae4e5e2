(function_declaration name: (_) @name body: (_) @body) @definition.function
(generator_function_declaration name: (_) @name body: (_) @body) @definition.function
(class_declaration name: (_) @name body: (_) @body @members) @definition.type

; const name = (…) => …, const name = function …, const name = class …
(lexical_declaration
  (variable_declarator name: (identifier) @name value: (arrow_function body: (_) @body))) @definition.function
(lexical_declaration
  (variable_declarator name: (identifier) @name value: (function_expression body: (_) @body))) @definition.function
(lexical_declaration
  (variable_declarator name: (identifier) @name value: (class body: (_) @body @members))) @definition.type
(lexical_declaration (variable_declarator name: (_) @name)) @definition.variable
(variable_declaration
  (variable_declarator name: (identifier) @name value: (function_expression body: (_) @body))) @definition.function
(variable_declaration (variable_declarator name: (_) @name)) @definition.variable

; The same behind `export`.
(export_statement
  declaration: (function_declaration name: (_) @name body: (_) @body)) @definition.function
(export_statement
  declaration: (generator_function_declaration name: (_) @name body: (_) @body)) @definition.function
(export_statement
  declaration: (class_declaration name: (_) @name body: (_) @body @members)) @definition.type
(export_statement
  declaration: (lexical_declaration
    (variable_declarator name: (identifier) @name value: (arrow_function body: (_) @body)))) @definition.function
(export_statement
  declaration: (lexical_declaration
    (variable_declarator name: (identifier) @name value: (function_expression body: (_) @body)))) @definition.function
(export_statement
  declaration: (lexical_declaration (variable_declarator name: (_) @name))) @definition.variable
(export_statement value: (class name: (_)? @name body: (_) @body @members)) @definition.type
(export_statement value: (function_expression name: (_)? @name body: (_) @body)) @definition.function
(export_statement value: (arrow_function body: (_) @body)) @definition.function

; name.of.something = function …
(expression_statement
  (assignment_expression left: (_) @name right: (function_expression body: (_) @body))) @definition.function
(expression_statement
  (assignment_expression left: (_) @name right: (arrow_function body: (_) @body))) @definition.function

; Members of a class.
(method_definition name: (_) @name body: (_) @body) @definition.method

(ERROR) @container

(comment) @leading
(decorator) @leading
(public_field_definition name: (_) @name value: (arrow_function body: (_) @body)) @definition.method
(abstract_method_signature name: (_) @name) @definition.method

(function_signature name: (_) @name) @definition.function
(abstract_class_declaration name: (_) @name body: (_) @body @members) @definition.type
(interface_declaration name: (_) @name body: (_) @body) @definition.interface
(type_alias_declaration name: (_) @name) @definition.type
(enum_declaration name: (_) @name body: (_) @body) @definition.type

(export_statement declaration: (function_signature name: (_) @name)) @definition.function
(export_statement
  declaration: (abstract_class_declaration name: (_) @name body: (_) @body @members)) @definition.type
(export_statement
  declaration: (interface_declaration name: (_) @name body: (_) @body)) @definition.interface
(export_statement declaration: (type_alias_declaration name: (_) @name)) @definition.type
(export_statement declaration: (enum_declaration name: (_) @name body: (_) @body)) @definition.type
(export_statement
  declaration: (internal_module name: (_) @name body: (_) @body @inner)) @definition.module

(expression_statement (internal_module name: (_) @name body: (_) @body @inner)) @definition.module
(ambient_declaration (module name: (_) @name body: (_) @body @inner)) @definition.module
(ambient_declaration (function_signature name: (_) @name)) @definition.function
(ambient_declaration
  (class_declaration name: (_) @name body: (_) @body @members)) @definition.type
(ambient_declaration (lexical_declaration (variable_declarator name: (_) @name))) @definition.variable
