; See ../README.md, "References".
[(identifier) (type_identifier) (field_identifier) (package_identifier)] @name
(type_identifier) @type
(field_identifier) @free
(import_declaration) @import
(package_clause) @ignored
(blank_identifier) @ignored

[(function_declaration) (method_declaration) (func_literal)] @scope.function
; A function's own block is the scope of its parameters.
(statement_list (block) @scope)
(if_statement consequence: (block) @scope)
(if_statement alternative: (block) @scope)
(for_statement body: (block) @scope)
[(if_statement) (for_statement) (expression_switch_statement) (type_switch_statement) (select_statement)
 (expression_case) (type_case) (default_case) (communication_case) (function_type) (method_elem) (type_spec)] @scope

(parameter_declaration name: (identifier) @parameter)
(variadic_parameter_declaration name: (identifier) @parameter)
(type_parameter_declaration name: (identifier) @parameter)
(short_var_declaration) @after
(range_clause) @after
(var_spec) @after
(const_spec) @after
(short_var_declaration left: (expression_list (identifier) @binding.again))
(range_clause left: (expression_list (identifier) @binding.again))
(receive_statement left: (expression_list (identifier) @binding.again))
(type_switch_statement alias: (expression_list (identifier) @binding))
(var_spec name: (identifier) @binding)
(const_spec name: (identifier) @binding)
(type_spec name: (type_identifier) @binding @outside)
(type_alias name: (type_identifier) @binding)
(method_declaration name: (field_identifier) @free)
(function_declaration name: (identifier) @free)

(field_declaration name: (field_identifier) @definition)
(method_elem name: (field_identifier) @definition.method)

(call_expression function: (identifier) @call)
(call_expression function: (selector_expression field: (field_identifier) @call))
(composite_literal type: (type_identifier) @type)
(selector_expression operand: (_) @qualifier field: (field_identifier) @free)
(qualified_type package: (package_identifier) @qualifier name: (type_identifier) @free)
(keyed_element . (literal_element (identifier) @free))
