; A section is its heading and all below it, up to the next heading of its level.
(section (atx_heading heading_content: (_) @name)) @section @inner
; The grammar lets an underlined heading open no section of its own.
(setext_heading heading_content: (_) @name) @section
