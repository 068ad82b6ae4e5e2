; See ../README.md, "References".
(variable_name) @name
(function_definition name: (word) @name @free)
(command name: (command_name (word) @name @call @free))
(command name: (command_name (word) @_source) argument: (_) (#any-of? @_source "source" ".")) @import

(function_definition) @scope.function
; A variable is known everywhere unless its function says that it is local.
(declaration_command "local" (variable_assignment name: (variable_name) @binding))
(declaration_command "local" (variable_name) @binding)
(declaration_command "declare" (variable_assignment name: (variable_name) @binding))
(declaration_command "typeset" (variable_assignment name: (variable_name) @binding))
(variable_assignment name: (variable_name) @definition)
(for_statement variable: (variable_name) @definition)
