//! Where symbolic links point, judged by their text alone.

use std::path::{Component, Path};

/// Whether a link at `path` with `target` points below the root, whatever other links there are: `..` only
/// in front, where the folders on the way are known to be real.
pub(super) fn stays_inside(path: &Path, target: &[u8], root: &Path) -> bool {
    let Ok(target) = std::str::from_utf8(target) else { return false };
    let target = Path::new(target);
    let (mut depth, mut rest) = match target.strip_prefix(root) {
        Ok(rest) => (0, rest.components().peekable()),
        Err(_) if target.is_absolute() => return false,
        Err(_) => (path.components().count().saturating_sub(1), target.components().peekable()),
    };
    while rest.next_if(|component| matches!(component, Component::ParentDir)).is_some() {
        if depth == 0 {
            return false;
        }
        depth -= 1;
    }
    rest.all(|component| matches!(component, Component::Normal(_) | Component::CurDir))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_judged_by_where_it_points() {
        let inside = |path: &str, target: &str| stays_inside(Path::new(path), target.as_bytes(), Path::new("/w"));
        for target in ["b", "../b", "../../b", "./b", "/w/b", "/w", "x/./y"] {
            assert!(inside("d/e/a", target), "{target}");
        }
        for target in ["../../../b", "/etc/passwd", "/w/../etc", "/", "/ww", "x/../../y", "b/../c"] {
            assert!(!inside("d/e/a", target), "{target}");
        }
        assert!(!stays_inside(Path::new("a"), b"\xff", Path::new("/w")));
    }
}
