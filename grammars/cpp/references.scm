; See ../README.md, "References".
[(identifier) (type_identifier) (field_identifier)] @name
(type_identifier) @type
(field_identifier) @free
(preproc_include) @import

(function_definition) @scope.function
[(compound_statement) (for_statement)] @scope
(field_declaration_list) @members
; Names of parameters in a prototype are known in it only.
(declaration declarator: (function_declarator parameters: (_) @scope))
(declaration declarator: (pointer_declarator declarator: (function_declarator parameters: (_) @scope)))
(field_declaration declarator: (_ parameters: (_) @scope))
(type_definition) @scope
(preproc_function_def) @scope
(preproc_params (identifier) @parameter)

(parameter_declaration declarator: (identifier) @parameter)
(parameter_declaration declarator: (pointer_declarator declarator: (identifier) @parameter))
(parameter_declaration
  declarator: (pointer_declarator declarator: (pointer_declarator declarator: (identifier) @parameter)))
(parameter_declaration declarator: (array_declarator declarator: (identifier) @parameter))
(parameter_declaration
  declarator: (pointer_declarator declarator: (array_declarator declarator: (identifier) @parameter)))
(parameter_declaration
  declarator: (function_declarator
    declarator: (parenthesized_declarator (pointer_declarator declarator: (identifier) @parameter))))

(declaration declarator: (identifier) @binding)
(declaration (storage_class_specifier) @_extern declarator: (identifier) @declaration (#eq? @_extern "extern"))
(declaration declarator: (pointer_declarator declarator: (identifier) @binding))
(declaration
  declarator: (pointer_declarator declarator: (pointer_declarator declarator: (identifier) @binding)))
(declaration declarator: (array_declarator declarator: (identifier) @binding))
(declaration declarator: (pointer_declarator declarator: (array_declarator declarator: (identifier) @binding)))
(declaration
  declarator: (array_declarator declarator: (array_declarator declarator: (identifier) @binding)))
(init_declarator declarator: (identifier) @binding)
(init_declarator declarator: (pointer_declarator declarator: (identifier) @binding))
(init_declarator
  declarator: (pointer_declarator declarator: (pointer_declarator declarator: (identifier) @binding)))
(init_declarator declarator: (array_declarator declarator: (identifier) @binding))
(init_declarator
  declarator: (pointer_declarator declarator: (array_declarator declarator: (identifier) @binding)))

(field_declaration declarator: (field_identifier) @definition)
(field_declaration declarator: (pointer_declarator declarator: (field_identifier) @definition))
(field_declaration declarator: (array_declarator declarator: (field_identifier) @definition))
(field_declaration
  declarator: (function_declarator
    declarator: (parenthesized_declarator (pointer_declarator declarator: (field_identifier) @definition))))
(enumerator name: (identifier) @definition)
(preproc_def name: (identifier) @definition @outside)
(preproc_function_def name: (identifier) @definition @outside)

(function_declarator declarator: (identifier) @free)
(call_expression function: (identifier) @call)
(call_expression function: (field_expression field: (field_identifier) @call))
(field_expression argument: (_) @qualifier field: (field_identifier) @free)
(field_designator (field_identifier) @free)
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
