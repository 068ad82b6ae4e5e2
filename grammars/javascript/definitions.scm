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
(field_definition property: (_) @name value: (arrow_function body: (_) @body)) @definition.method
