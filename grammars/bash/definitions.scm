(function_definition name: (_) @name body: (_) @body) @definition.function
(variable_assignment name: (_) @name) @definition.variable
(declaration_command (variable_assignment name: (_) @name)) @definition.variable

(ERROR) @container

(comment) @leading
