; See ../README.md, "References".
(name) @name
(variable_name) @name
(variable_name (name) @ignored)
(namespace_use_declaration) @import
(namespace_definition) @_namespace

[(function_definition) (method_declaration) (anonymous_function) (arrow_function)] @scope.function
(declaration_list) @members

(simple_parameter name: (variable_name) @parameter)
(variadic_parameter name: (variable_name) @parameter)
(assignment_expression left: (variable_name) @binding.assignment)
(reference_assignment_expression left: (variable_name) @binding.assignment)
(augmented_assignment_expression left: (variable_name) @binding.assignment)
(list_literal (variable_name) @binding.assignment)
(foreach_statement (variable_name) @binding.assignment .)
(foreach_statement (pair (variable_name) @binding.assignment))
(catch_clause name: (variable_name) @binding.assignment)
(static_variable_declaration name: (variable_name) @binding)
(global_declaration (variable_name) @global)

(property_element name: (variable_name) @definition)
(property_promotion_parameter name: (variable_name) @definition @parameter)
(const_element . (name) @definition)
(enum_case name: (name) @definition)

(function_call_expression function: (name) @call)
(function_call_expression function: (qualified_name (name) @call .))
(member_call_expression name: (name) @call)
(nullsafe_member_call_expression name: (name) @call)
(scoped_call_expression name: (name) @call)
(object_creation_expression (name) @call)
(object_creation_expression (qualified_name (name) @call .))
(member_call_expression object: (_) @qualifier name: (name) @free)
(member_access_expression object: (_) @qualifier name: (name) @free)
(nullsafe_member_call_expression object: (_) @qualifier name: (name) @free)
(scoped_call_expression scope: (_) @qualifier name: (name) @free)
(scoped_property_access_expression scope: (_) @qualifier name: (variable_name) @free)
(class_constant_access_expression . (_) @qualifier (name) @free .)
(named_type (name) @type)
(named_type (qualified_name (name) @type .))
(base_clause (name) @type)
(class_interface_clause (name) @type)
