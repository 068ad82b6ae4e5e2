; See ../README.md, "References".
(identifier) @name
(goto_statement (identifier) @ignored)
(label_statement (identifier) @ignored)
(attribute (identifier) @ignored)
(function_call name: (identifier) @_require arguments: (arguments (string)) (#eq? @_require "require")) @import

[(function_declaration) (function_definition)] @scope.function
[(do_statement) (while_statement) (repeat_statement) (if_statement) (elseif_statement) (else_statement)
 (for_statement)] @scope

(parameters name: (identifier) @parameter)
(for_numeric_clause name: (identifier) @binding)
(for_generic_clause (variable_list name: (identifier) @binding))
(for_generic_clause (expression_list) @outside)
(variable_declaration) @after
(variable_declaration (assignment_statement (variable_list name: (identifier) @binding)))
(variable_declaration (variable_list name: (identifier) @binding))
(function_declaration name: (identifier) @binding.assignment @outside)
(assignment_statement
  (variable_list name: (dot_index_expression field: (identifier) @definition)))
(field name: (identifier) @free)

(function_call name: (identifier) @call)
(function_call name: (dot_index_expression field: (identifier) @call))
(function_call name: (method_index_expression method: (identifier) @call))
(dot_index_expression table: (_) @qualifier field: (identifier) @free)
(method_index_expression table: (_) @qualifier method: (identifier) @free)
