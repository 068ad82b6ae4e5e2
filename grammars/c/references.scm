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
