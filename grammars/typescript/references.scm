; See ../README.md, "References".
(type_identifier) @name @type
[(class_declaration) (abstract_class_declaration) (interface_declaration) (type_alias_declaration)
 (function_signature) (method_signature) (abstract_method_signature) (function_type) (call_signature)
 (construct_signature) (constructor_type) (mapped_type_clause) (conditional_type)] @scope
(interface_body) @members
(enum_body) @members
(required_parameter pattern: (identifier) @parameter)
(optional_parameter pattern: (identifier) @parameter)
(required_parameter pattern: (array_pattern (identifier) @parameter))
(required_parameter pattern: (object_pattern (shorthand_property_identifier_pattern) @parameter))
(required_parameter pattern: (object_pattern (object_assignment_pattern left: (_) @parameter)))
(type_parameter name: (type_identifier) @parameter)
(mapped_type_clause name: (type_identifier) @parameter)
(infer_type (type_identifier) @parameter)
(class_declaration name: (_) @outside)
(abstract_class_declaration name: (_) @binding @outside)
(interface_declaration name: (_) @binding @outside)
(type_alias_declaration name: (_) @binding @outside)
(enum_declaration name: (identifier) @binding)
(function_signature name: (identifier) @binding @outside)
(class_heritage (extends_clause value: (identifier) @type))
(public_field_definition name: (_) @definition)
(property_signature name: (_) @definition)
(method_signature name: (_) @definition.method @outside)
(enum_body name: (_) @definition)
(enum_assignment name: (_) @definition)
(required_parameter (accessibility_modifier) pattern: (identifier) @definition)
(nested_type_identifier module: (_) @qualifier name: (_) @free)
(predefined_type) @ignored
