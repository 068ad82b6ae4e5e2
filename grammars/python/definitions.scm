(function_definition name: (_) @name body: (_) @body) @definition.function
(class_definition name: (_) @name body: (_) @body @members) @definition.type

(decorated_definition
  definition: (function_definition name: (_) @name body: (_) @body)) @definition.function
(decorated_definition
  definition: (class_definition name: (_) @name body: (_) @body @members)) @definition.type

; Names that a module binds: CONSTANT = …, x: int = …; what a class binds stays in its head.
(module
  (expression_statement (assignment left: (identifier) @name)) @definition.variable)
(type_alias_statement left: (_) @name) @definition.type

(if_statement consequence: (_) @container)
(if_statement alternative: (else_clause body: (_) @container))
(try_statement body: (_) @container)
(try_statement (except_clause (block) @container))
(ERROR) @container

(comment) @leading
