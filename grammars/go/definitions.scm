(function_declaration name: (_) @name body: (_)? @body) @definition.function
(method_declaration
  receiver: (_) name: (_) @name body: (_)? @body) @definition.method

; type X struct { … }; a group `type ( … )` only holds its members.
(type_declaration
  . (type_spec name: (_) @name type: (struct_type (_) @body))) @definition.type
(type_declaration
  . (type_spec name: (_) @name type: (interface_type "{" @body))) @definition.interface
(type_declaration . (type_spec name: (_) @name)) @definition.type
(type_declaration . (type_alias name: (_) @name)) @definition.type
(type_declaration "(") @container
(type_spec name: (_) @name type: (interface_type "{" @body)) @definition.interface
(type_spec name: (_) @name type: (struct_type (_) @body)) @definition.type
(type_spec name: (_) @name) @definition.type

(const_declaration (const_spec name: (_) @name)) @definition.variable
(var_declaration (var_spec name: (_) @name)) @definition.variable
(var_declaration (var_spec_list (var_spec name: (_) @name))) @definition.variable

(ERROR) @container

(comment) @leading
