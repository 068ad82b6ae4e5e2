(function_declaration name: (identifier) @name body: (_)? @body) @definition.function
(function_declaration name: (dot_index_expression) @name body: (_)? @body) @definition.function
(function_declaration name: (method_index_expression) @name body: (_)? @body) @definition.method

; name = function … end, local name = function … end
(assignment_statement
  (variable_list name: (_) @name)
  (expression_list value: (function_definition body: (_)? @body))) @definition.function
(variable_declaration
  (assignment_statement
    (variable_list name: (_) @name)
    (expression_list value: (function_definition body: (_)? @body)))) @definition.function
(variable_declaration
  (assignment_statement (variable_list name: (_) @name))) @definition.variable

(ERROR) @container

(comment) @leading
