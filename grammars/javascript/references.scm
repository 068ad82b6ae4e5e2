; See ../README.md, "References".
(formal_parameters (identifier) @parameter)
(formal_parameters (array_pattern (identifier) @parameter))
(formal_parameters (object_pattern (shorthand_property_identifier_pattern) @parameter))
(formal_parameters (object_pattern (object_assignment_pattern left: (_) @parameter)))
(class_heritage (identifier) @type)
(field_definition property: (_) @definition)
