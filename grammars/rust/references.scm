; See ../README.md, "References".
[(identifier) (type_identifier) (field_identifier) (shorthand_field_identifier)] @name
(type_identifier) @type
(field_identifier) @free
(use_declaration) @import
(extern_crate_declaration) @import
(lifetime (identifier) @ignored)
(label (identifier) @ignored)
(attribute_item) @ignored
(inner_attribute_item) @ignored

(function_item) @scope.function
(function_signature_item) @scope.function
(closure_expression) @scope
(block) @scope
(match_arm) @scope
(if_expression) @scope
(while_expression) @scope
(for_expression) @scope
(for_expression value: (_) @outside)
; What these bind are their type parameters.
(struct_item) @scope
(enum_item) @scope
(union_item) @scope
(type_item) @scope
(trait_item) @scope
(impl_item) @scope
(macro_rule) @scope
(declaration_list) @members
(function_type) @scope

(let_declaration) @after
(let_condition) @after
(let_declaration pattern: (identifier) @binding)
(let_condition pattern: (identifier) @binding (#match? @binding "^[^A-Z]"))
(parameter pattern: (identifier) @parameter)
(closure_parameters (identifier) @parameter)
(for_expression pattern: (identifier) @binding)
(match_pattern . (identifier) @binding (#match? @binding "^[^A-Z]"))
(tuple_pattern (identifier) @binding (#match? @binding "^[^A-Z]"))
(tuple_struct_pattern type: (_) (identifier) @binding (#match? @binding "^[^A-Z]"))
(slice_pattern (identifier) @binding (#match? @binding "^[^A-Z]"))
(or_pattern (identifier) @binding (#match? @binding "^[^A-Z]"))
(ref_pattern (identifier) @binding)
(mut_pattern (identifier) @binding)
(reference_pattern (identifier) @binding (#match? @binding "^[^A-Z]"))
(captured_pattern . (identifier) @binding)
(field_pattern pattern: (identifier) @binding (#match? @binding "^[^A-Z]"))
(field_pattern name: (shorthand_field_identifier) @binding)
(type_parameter name: (type_identifier) @parameter)
(const_parameter name: (identifier) @parameter)

; Items in functions are known in the block around them.
(function_item name: (identifier) @binding @outside)
(struct_item name: (type_identifier) @binding @outside)
(enum_item name: (type_identifier) @binding @outside)
(union_item name: (type_identifier) @binding @outside)
(type_item name: (type_identifier) @binding @outside)
(trait_item name: (type_identifier) @binding @outside)
(const_item name: (identifier) @binding)
(static_item name: (identifier) @binding)
(function_signature_item name: (identifier) @free)

(field_declaration name: (field_identifier) @definition)
(enum_variant name: (identifier) @definition)

(call_expression function: (identifier) @call)
(call_expression function: (generic_function function: (identifier) @call))
(call_expression function: (field_expression field: (field_identifier) @call))
(call_expression function: (generic_function function: (field_expression field: (field_identifier) @call)))
(call_expression function: (scoped_identifier name: (identifier) @call))
(call_expression function: (generic_function function: (scoped_identifier name: (identifier) @call)))
(macro_invocation macro: (identifier) @call @free)
(macro_invocation macro: (scoped_identifier name: (identifier) @call))
(token_tree (identifier) @call . (token_tree "("))
(token_tree ["." "::"] . (identifier) @free)
(token_tree (identifier) @free . "::")

(field_expression value: (_) @qualifier field: (field_identifier) @free)
(scoped_identifier path: (_) @qualifier name: (_) @free)
(scoped_type_identifier path: (_) @qualifier name: (_) @free)
(scoped_identifier path: (identifier) @free)
(scoped_type_identifier path: (identifier) @free)
(field_initializer field: (field_identifier) @free)
(field_pattern name: (field_identifier) @free)
