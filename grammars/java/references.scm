; See ../README.md, "References".
[(identifier) (type_identifier)] @name
(type_identifier) @type
(import_declaration) @import
(package_declaration) @ignored
(labeled_statement . (identifier) @ignored)
(break_statement (identifier) @ignored)
(continue_statement (identifier) @ignored)

[(method_declaration) (constructor_declaration) (compact_constructor_declaration) (lambda_expression)] @scope.function
[(block) (constructor_body) (for_statement) (enhanced_for_statement) (catch_clause) (try_with_resources_statement)
 (switch_block_statement_group) (switch_rule)] @scope
; What these bind are their type parameters.
[(class_declaration) (interface_declaration) (record_declaration)] @scope
[(class_body) (interface_body) (enum_body) (annotation_type_body)] @members

(formal_parameter name: (identifier) @parameter)
(spread_parameter (variable_declarator name: (identifier) @parameter))
(inferred_parameters (identifier) @parameter)
(lambda_expression parameters: (identifier) @parameter)
(catch_formal_parameter name: (identifier) @parameter)
(enhanced_for_statement name: (identifier) @binding)
(resource name: (identifier) @binding)
(instanceof_expression name: (identifier) @binding)
(local_variable_declaration) @after
(local_variable_declaration declarator: (variable_declarator name: (identifier) @binding))
(type_parameter (type_identifier) @parameter)
(class_declaration name: (identifier) @binding @outside)
(interface_declaration name: (identifier) @binding @outside)
(record_declaration name: (identifier) @binding @outside)

(field_declaration declarator: (variable_declarator name: (identifier) @definition))
(constant_declaration declarator: (variable_declarator name: (identifier) @definition))
(enum_constant name: (identifier) @definition)
(record_declaration parameters: (formal_parameters (formal_parameter name: (identifier) @definition)))

(method_declaration name: (identifier) @free)
(constructor_declaration name: (identifier) @free)
(method_invocation name: (identifier) @call @free)
(method_invocation object: (_) @qualifier name: (identifier) @free)
(method_reference . (_) @qualifier (identifier) @call .)
(object_creation_expression type: (type_identifier) @call)
(object_creation_expression type: (generic_type (type_identifier) @call))
(field_access object: (_) @qualifier field: (identifier) @free)
(scoped_type_identifier . (_) @qualifier (type_identifier) @free .)
(annotation name: (identifier) @type @free)
(marker_annotation name: (identifier) @type @free)
