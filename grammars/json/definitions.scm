; Keys of the outermost object.
(pair key: (string (string_content) @name) value: (object) @body) @section
(pair key: (string (string_content) @name) value: (array) @body) @section
(pair key: (string (string_content) @name)) @definition.variable
(object) @container
(ERROR) @container

(comment) @leading
