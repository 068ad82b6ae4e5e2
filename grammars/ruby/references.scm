; See ../README.md, "References".
[(identifier) (constant) (instance_variable) (class_variable) (global_variable)] @name
[(instance_variable) (class_variable) (global_variable)] @free
(constant) @type

[(method) (singleton_method)] @scope.function
[(block) (do_block) (lambda)] @scope
[(class) (module) (singleton_class)] @members
; A type is named where it stands, not in itself.
(class name: (_) @outside)
(module name: (_) @outside)

(method_parameters (identifier) @parameter)
(block_parameters (identifier) @parameter)
(lambda_parameters (identifier) @parameter)
(destructured_parameter (identifier) @parameter)
(optional_parameter name: (identifier) @parameter)
(keyword_parameter name: (identifier) @parameter)
(splat_parameter name: (identifier) @parameter)
(hash_splat_parameter name: (identifier) @parameter)
(block_parameter name: (identifier) @parameter)
(assignment left: (identifier) @binding.assignment)
(operator_assignment left: (identifier) @binding.assignment)
(left_assignment_list (identifier) @binding.assignment)
(rest_assignment (identifier) @binding.assignment)
(for pattern: (identifier) @binding.assignment)
(exception_variable (identifier) @binding.assignment)

(assignment left: (constant) @definition)
(assignment left: (instance_variable) @definition)
(assignment left: (class_variable) @definition)
(operator_assignment left: (instance_variable) @definition)
; attr_reader :name defines methods.
(call method: (identifier) @_macro arguments: (argument_list (simple_symbol) @name @definition.method @free)
  (#any-of? @_macro "attr_reader" "attr_writer" "attr_accessor"))
(alias name: (identifier) @definition.method)

(method name: (_) @free)
(singleton_method name: (_) @free)
(call method: (_) @call @free)
(call receiver: (_) @qualifier method: (_) @free)
(scope_resolution scope: (_) @qualifier name: (constant) @free)
(pair key: (hash_key_symbol) @ignored)
