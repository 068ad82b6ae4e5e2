//! The map that much is looked up in while something is indexed or asked.

use std::collections::HashMap;

/// A map whose hashes are quick. Each has a seed of its own, so that no text can be made to fall into one place.
pub(super) type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
