; Elements in JavaScript and TypeScript (JSX). See ../README.md, "References".
(jsx_opening_element name: (identifier) @call)
(jsx_self_closing_element name: (identifier) @call)
(jsx_closing_element name: (identifier) @type)
