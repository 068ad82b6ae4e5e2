//! Two pieces of work on two cores.

use std::thread;

/// Does both at once, one on a thread of its own; where none can be had, one after the other.
pub(super) fn at_once(left: &mut (dyn FnMut() + Send), right: &mut (dyn FnMut() + Send)) {
    thread::scope(|scope| {
        let started = thread::Builder::new().name("tagout-half".to_owned()).spawn_scoped(scope, &mut *left);
        right();
        // A panic over there is one here: the scope hands it on.
        started.map(drop)
    })
    .unwrap_or_else(|_| left());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_done_once() {
        let (mut left, mut right) = (0, 0);
        at_once(&mut || left += 1, &mut || right += 1);
        assert_eq!((left, right), (1, 1));
    }
}
