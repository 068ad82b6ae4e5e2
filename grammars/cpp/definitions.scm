; The name stands below as many pointer declarators as the result has stars.
(function_definition
  declarator: (function_declarator declarator: (_) @name) body: (_) @body) @definition.function
(function_definition
  declarator: (pointer_declarator declarator: (function_declarator declarator: (_) @name))
  body: (_) @body) @definition.function
(function_definition
  declarator: (pointer_declarator
    declarator: (pointer_declarator declarator: (function_declarator declarator: (_) @name)))
  body: (_) @body) @definition.function
(function_definition body: (_) @body) @definition.function

; Prototypes.
(declaration
  declarator: (function_declarator declarator: (identifier) @name)) @definition.function
(declaration
  declarator: (pointer_declarator
    declarator: (function_declarator declarator: (identifier) @name))) @definition.function

(struct_specifier name: (_) @name body: (_) @body) @definition.type
(union_specifier name: (_) @name body: (_) @body) @definition.type
(enum_specifier name: (_) @name body: (_) @body) @definition.type
(type_definition
  type: (struct_specifier body: (_) @body) declarator: (_) @name) @definition.type
(type_definition
  type: (union_specifier body: (_) @body) declarator: (_) @name) @definition.type
(type_definition
  type: (enum_specifier body: (_) @body) declarator: (_) @name) @definition.type
(type_definition declarator: (type_identifier) @name) @definition.type
(type_definition
  declarator: (function_declarator
    declarator: (parenthesized_declarator
      (pointer_declarator declarator: (_) @name)))) @definition.type

(declaration
  declarator: (init_declarator declarator: (identifier) @name)) @definition.variable
(declaration
  declarator: (init_declarator
    declarator: (array_declarator declarator: (identifier) @name))) @definition.variable
(declaration
  declarator: (init_declarator
    declarator: (pointer_declarator declarator: (identifier) @name))) @definition.variable
(declaration
  declarator: (init_declarator
    declarator: (pointer_declarator
      declarator: (array_declarator declarator: (identifier) @name)))) @definition.variable

(preproc_def name: (_) @name) @definition.macro
(preproc_function_def name: (_) @name) @definition.macro

(preproc_ifdef) @container
(preproc_if) @container
(preproc_else) @container
(preproc_elif) @container
(linkage_specification body: (declaration_list) @container)
(ERROR) @container

(comment) @leading
(function_definition
  declarator: (reference_declarator (function_declarator declarator: (_) @name))
  body: (_) @body) @definition.function
(function_definition
  declarator: (function_declarator declarator: (_) @name) (_)) @definition.function

(class_specifier name: (_) @name body: (_) @body @members) @definition.type
(struct_specifier name: (_) @name body: (_) @body @members) @definition.type
(namespace_definition name: (_)? @name body: (_) @body @inner) @definition.module
(concept_definition name: (_) @name) @definition.interface
(alias_declaration name: (_) @name) @definition.type

; Member prototypes.
(field_declaration
  declarator: (function_declarator declarator: (field_identifier) @name)) @definition.method

(template_declaration
  (function_definition
    declarator: (function_declarator declarator: (_) @name) body: (_) @body)) @definition.function
(template_declaration
  (function_definition
    declarator: (reference_declarator (function_declarator declarator: (_) @name))
    body: (_) @body)) @definition.function
(template_declaration
  (function_definition
    declarator: (pointer_declarator
      declarator: (function_declarator declarator: (_) @name)) body: (_) @body)) @definition.function
(template_declaration
  (class_specifier name: (_) @name body: (_) @body @members)) @definition.type
(template_declaration
  (struct_specifier name: (_) @name body: (_) @body @members)) @definition.type
(template_declaration (alias_declaration name: (_) @name)) @definition.type
(template_declaration (concept_definition name: (_) @name)) @definition.interface
