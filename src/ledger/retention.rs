//! Which changesets leave the shelf.

use crate::changes::ChangesetId;
use crate::ports::ShelvedState;

/// Most changesets kept for a workspace.
pub(super) const MOST: usize = 200;
/// Most bytes of changesets kept for a workspace.
pub(super) const MOST_BYTES: usize = 256 << 20;

/// What decides about a kept changeset.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) id: ChangesetId,
    pub(super) state: ShelvedState,
    pub(super) bytes: usize,
}

/// The changesets that have to go, of `kept`, oldest first: those decided about before those that wait, and never
/// the last, which was just put there.
pub(super) fn to_remove(kept: &[Kept]) -> Vec<ChangesetId> {
    let mut count = kept.len();
    let mut bytes: usize = kept.iter().map(|kept| kept.bytes).sum();
    let older = kept.split_last().map_or(&[][..], |(_, older)| older);
    let waits = |kept: &&Kept| kept.state == ShelvedState::Pending;
    let decided = older.iter().filter(|kept| !waits(kept));
    let mut gone = Vec::new();
    for next in decided.chain(older.iter().filter(waits)) {
        if count <= MOST && bytes <= MOST_BYTES {
            break;
        }
        count -= 1;
        bytes -= next.bytes;
        gone.push(next.id.clone());
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(name: &str, state: ShelvedState, mebibytes: usize) -> Kept {
        Kept { id: ChangesetId::from_text(name), state, bytes: mebibytes << 20 }
    }

    #[test]
    fn what_waits_goes_last_and_the_newest_never() {
        use ShelvedState::{Applied, Pending, Settled};
        let gone = |kept: &[Kept]| to_remove(kept).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert!(gone(&[]).is_empty());
        assert!(gone(&[kept("a", Applied, 256)]).is_empty());
        assert!(gone(&[kept("a", Applied, 300)]).is_empty());
        let full = [kept("a", Pending, 100), kept("b", Applied, 100), kept("c", Settled, 50), kept("d", Applied, 100)];
        assert_eq!(gone(&full), ["b"]);
        let fuller =
            [kept("a", Pending, 100), kept("b", Applied, 100), kept("c", Pending, 100), kept("d", Pending, 200)];
        assert_eq!(gone(&fuller), ["b", "a", "c"]);
    }
}
