(table . (_) @name) @section
(table_array_element . (_) @name) @section
(pair . (_) @name) @definition.variable
(ERROR) @container

(comment) @leading
