; Elements that only hold others.
((element (start_tag (tag_name) @_tag)) @container
  (#any-of? @_tag "html" "head" "body" "HTML" "HEAD" "BODY"))

; Parts of a page.
((element (start_tag (tag_name) @name)) @section
  (#any-of? @name
    "header" "nav" "main" "section" "article" "aside" "footer" "form" "table" "dialog" "template" "div" "svg"))
((element (start_tag (tag_name) @name)) @section
  (#any-of? @name "title" "h1" "h2" "h3" "h4"))
(script_element (start_tag (tag_name) @name)) @section
(style_element (start_tag (tag_name) @name)) @section

(ERROR) @container

(comment) @leading
