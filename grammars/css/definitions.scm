(rule_set (selectors) @name (block) @body) @section
(media_statement (block) @body @inner) @section
(supports_statement (block) @body @inner) @section
(keyframes_statement (keyframes_name) @name (keyframe_block_list) @body) @section
(at_rule (at_keyword) @name (block)? @body) @section
; --name: value
((declaration (property_name) @name) @definition.variable (#match? @name "^--"))

(ERROR) @container

(comment) @leading
