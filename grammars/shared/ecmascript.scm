; What JavaScript and TypeScript have in common. See ../README.md, "References".
[(identifier) (property_identifier) (shorthand_property_identifier) (shorthand_property_identifier_pattern)
 (private_property_identifier)] @name
[(property_identifier) (private_property_identifier)] @free
(import_statement) @import

[(function_declaration) (generator_function_declaration) (function_expression) (generator_function)
 (arrow_function) (method_definition)] @scope.function
[(statement_block) (for_statement) (for_in_statement) (catch_clause) (switch_body)] @scope
(class_body) @members
(for_in_statement right: (_) @outside)

(arrow_function parameter: (identifier) @parameter)
(rest_pattern (identifier) @parameter)
(assignment_pattern left: (identifier) @parameter)
(array_pattern (identifier) @binding.assignment)
(pair_pattern value: (identifier) @binding.assignment)
(object_pattern (shorthand_property_identifier_pattern) @binding.assignment)
(object_assignment_pattern left: (shorthand_property_identifier_pattern) @binding.assignment)
(lexical_declaration (variable_declarator name: (identifier) @binding))
(lexical_declaration (variable_declarator name: (array_pattern (identifier) @binding)))
(lexical_declaration (variable_declarator
  name: (object_pattern (shorthand_property_identifier_pattern) @binding)))
(lexical_declaration (variable_declarator
  name: (object_pattern (pair_pattern value: (identifier) @binding))))
(variable_declaration (variable_declarator name: (identifier) @binding.hoisted))
(for_in_statement left: (identifier) @binding)
(catch_clause parameter: (identifier) @parameter)
(function_declaration name: (identifier) @binding @outside)
(generator_function_declaration name: (identifier) @binding @outside)
(function_expression name: (identifier) @parameter)
(class_declaration name: (_) @binding)

(call_expression function: (identifier) @call)
(call_expression function: (member_expression property: (_) @call))
(new_expression constructor: (identifier) @call)
(new_expression constructor: (member_expression property: (_) @call))
(member_expression object: (_) @qualifier property: (_) @free)
; this.name = … in a class defines a field.
(assignment_expression left: (member_expression object: (this) property: (property_identifier) @definition))
