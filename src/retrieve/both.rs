//! Two pieces of work of which neither needs the other: who asks says how they are done.

/// Does both, at the same time where it can.
pub type Both = fn(&mut (dyn FnMut() + Send), &mut (dyn FnMut() + Send));

/// Does one after the other.
pub fn in_turn(left: &mut (dyn FnMut() + Send), right: &mut (dyn FnMut() + Send)) {
    left();
    right();
}

/// What both come to.
pub(super) fn joined<L: Send + Default, R: Send + Default>(
    both: Both,
    left: impl Fn() -> L + Sync,
    right: impl Fn() -> R + Sync,
) -> (L, R) {
    let (mut of_left, mut of_right) = (L::default(), R::default());
    both(&mut || of_left = left(), &mut || of_right = right());
    (of_left, of_right)
}
