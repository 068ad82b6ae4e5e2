; What C++ has beyond C. See ../README.md, "References".
(field_declaration declarator: (function_declarator declarator: (field_identifier) @declaration))
(field_declaration
  declarator: (pointer_declarator declarator: (function_declarator declarator: (field_identifier) @declaration)))
(field_declaration
  declarator: (reference_declarator (function_declarator declarator: (field_identifier) @declaration)))
(namespace_identifier) @name @free
(lambda_expression) @scope.function
[(for_range_loop) (catch_clause) (if_statement) (while_statement) (switch_statement) (template_declaration)] @scope
(for_range_loop declarator: (identifier) @binding)
(for_range_loop declarator: (reference_declarator (identifier) @binding))
(for_range_loop right: (_) @outside)
(structured_binding_declarator (identifier) @binding)
(parameter_declaration declarator: (reference_declarator (identifier) @parameter))
(optional_parameter_declaration declarator: (identifier) @parameter)
(optional_parameter_declaration declarator: (pointer_declarator declarator: (identifier) @parameter))
(optional_parameter_declaration declarator: (reference_declarator (identifier) @parameter))
(init_declarator declarator: (reference_declarator (identifier) @binding))
(condition_clause value: (declaration declarator: (identifier) @binding))
(type_parameter_declaration (type_identifier) @parameter)
(optional_type_parameter_declaration name: (type_identifier) @parameter)
(variadic_type_parameter_declaration (type_identifier) @parameter)
(class_specifier name: (type_identifier) @outside)
(alias_declaration name: (type_identifier) @binding)
(call_expression function: (qualified_identifier name: (identifier) @call))
(call_expression function: (template_function name: (identifier) @call))
(call_expression function: (qualified_identifier name: (template_function name: (identifier) @call)))
(call_expression function: (field_expression field: (template_method name: (field_identifier) @call)))
(new_expression type: (type_identifier) @call)
(qualified_identifier scope: (_) @qualifier name: (identifier) @free)
(qualified_identifier scope: (_) @qualifier name: (type_identifier) @free)
(qualified_identifier scope: (_) @qualifier name: (template_function name: (identifier) @free))
(qualified_identifier scope: (_) @qualifier name: (template_type name: (type_identifier) @free))
(using_declaration) @import
