//! From a question to an order of chunks: terms, features, ranking. Pure.
