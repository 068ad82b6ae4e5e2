; Keys of the outermost mapping.
(block_mapping_pair key: (_) @name value: (block_node) @body) @section
(block_mapping_pair key: (_) @name) @definition.variable
(document) @container
(block_node) @container
(block_mapping) @container
(ERROR) @container

(comment) @leading
