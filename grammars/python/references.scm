; See ../README.md, "References".
(identifier) @name
(import_statement) @import
(import_from_statement) @import
(future_import_statement) @ignored

(function_definition) @scope.function
(lambda) @scope.function
(list_comprehension) @scope
(set_comprehension) @scope
(dictionary_comprehension) @scope
(generator_expression) @scope
(class_definition body: (block) @members)

(parameters (identifier) @parameter)
(lambda_parameters (identifier) @parameter)
(default_parameter name: (identifier) @parameter)
(typed_default_parameter name: (identifier) @parameter)
(typed_parameter . (identifier) @parameter)
(list_splat_pattern (identifier) @parameter)
(dictionary_splat_pattern (identifier) @parameter)
(default_parameter value: (_) @outside)
(typed_default_parameter value: (_) @outside)

(assignment left: (identifier) @binding)
(augmented_assignment left: (identifier) @binding.assignment)
(pattern_list (identifier) @binding)
(tuple_pattern (identifier) @binding)
(list_pattern (identifier) @binding)
(for_statement left: (identifier) @binding)
(for_in_clause left: (identifier) @binding)
(as_pattern_target (identifier) @binding)
(named_expression name: (identifier) @binding)
(case_pattern (dotted_name . (identifier) @binding .))
(global_statement (identifier) @global)
(nonlocal_statement (identifier) @global)
(function_definition name: (identifier) @binding @outside)
(class_definition name: (identifier) @binding)
(type_alias_statement left: (type (identifier) @binding))

; self.name = … defines a field.
(assignment left: (attribute object: (identifier) @_self attribute: (identifier) @definition)
  (#any-of? @_self "self" "cls"))

(call function: (identifier) @call)
(call function: (attribute attribute: (identifier) @call))
(decorator (identifier) @call)
(attribute object: (_) @qualifier attribute: (identifier) @free)
(keyword_argument name: (identifier) @free)
(type (identifier) @type)
(class_definition superclasses: (argument_list (identifier) @type))
(except_clause (identifier) @type)
