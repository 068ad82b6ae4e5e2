(class name: (_) @name body: (_)? @body @members) @definition.type
(module name: (_) @name body: (_)? @body @members) @definition.module
(method name: (_) @name body: (_)? @body) @definition.function
(singleton_method name: (_) @name body: (_)? @body) @definition.method
(singleton_class body: (_)? @body @members) @definition.type
(assignment left: (constant) @name) @definition.variable

; private def name … end
(call arguments: (argument_list (method name: (_) @name body: (_)? @body))) @definition.function

(ERROR) @container

(comment) @leading
