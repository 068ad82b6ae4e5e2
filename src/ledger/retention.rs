//! Which changesets leave the shelf, and why.

use std::collections::{BTreeMap, BTreeSet};

use crate::changes::ChangesetId;
use crate::ports::{Failure, FailureKind, Retention, ShelvedState};
use crate::workspace::ContentHash;

/// Most bytes of one changeset.
pub(super) const MOST_BYTES: usize = 256 << 20;
/// So many of the proposals that wait stay however old or large they are: those that were shelved last.
pub(super) const NEWEST: usize = 10;
/// The least time between two looks, in milliseconds.
const HOUR_MS: i64 = 3_600_000;
/// What was applied within this time stays, in milliseconds.
const DAY_MS: i64 = 24 * HOUR_MS;
/// A look is due as soon as this share of what may be kept was shelved since the last one.
const SHARE: u64 = 8;

/// What decides about a kept changeset.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) id: ChangesetId,
    pub(super) proposal: ChangesetId,
    pub(super) state: ShelvedState,
    pub(super) at_ms: i64,
    /// Bytes of its own.
    pub(super) bytes: u64,
    /// What its files hold, and bytes that each takes; others may refer to the same.
    pub(super) blobs: Vec<(ContentHash, u64)>,
}

/// One that has to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gone {
    pub(super) id: ChangesetId,
    pub(super) proposal: ChangesetId,
    /// For people.
    pub(super) why: String,
}

/// The failure of one that went.
pub(super) fn no_longer_kept(gone: &Gone) -> Failure {
    let what = format!("changeset {} is not kept any more, and cannot be undone: {}", gone.id, gone.why);
    Failure::new(FailureKind::NotFound, what)
        .hint("to keep more from now on, raise history.keep_days or history.keep_bytes in your config.toml")
}

/// Whether it is time to look, so much having been shelved since `last_ms`.
pub(super) fn is_due(last_ms: Option<i64>, shelved: u64, keep: Retention, now_ms: i64) -> bool {
    // A clock that went backwards is no reason to wait.
    last_ms.is_none_or(|last| !(last..last.saturating_add(HOUR_MS)).contains(&now_ms))
        || shelved > keep.keep_bytes / SHARE
}

/// A proposal and its parts.
#[derive(Default)]
struct Group<'a> {
    members: Vec<&'a Kept>,
    /// When something happened to it last.
    at_ms: i64,
    stays: bool,
}

/// The changesets that have to go, of `kept`, which is in the order of changes of state; oldest first.
pub(super) fn to_remove(kept: &[Kept], keep: Retention, now_ms: i64) -> Vec<Gone> {
    let mut references = BTreeMap::<ContentHash, (usize, u64)>::new();
    for (hash, size) in kept.iter().flat_map(distinct) {
        references.entry(hash).or_insert((0, size)).0 += 1;
    }
    let shared: u64 = references.values().map(|(_, size)| size).sum();
    let mut total = kept.iter().map(|one| one.bytes).sum::<u64>().saturating_add(shared);
    let days = i64::try_from(keep.keep_days).unwrap_or(i64::MAX);
    let oldest = now_ms.saturating_sub(days.saturating_mul(DAY_MS));
    let mut gone = Vec::new();
    for group in groups(kept, now_ms).into_iter().filter(|group| !group.stays) {
        let why = if group.at_ms < oldest {
            format!("nothing happened to it for {} days", keep.keep_days)
        } else if total > keep.keep_bytes {
            format!("the history was larger than {} bytes, and it was the oldest", keep.keep_bytes)
        } else {
            break;
        };
        for one in group.members {
            total = total.saturating_sub(one.bytes);
            for (hash, size) in distinct(one) {
                let Some((count, _)) = references.get_mut(&hash) else { continue };
                *count -= 1;
                total = if *count == 0 { total.saturating_sub(size) } else { total };
            }
            gone.push(Gone { id: one.id.clone(), proposal: one.proposal.clone(), why: why.clone() });
        }
    }
    gone
}

fn distinct(kept: &Kept) -> BTreeMap<ContentHash, u64> {
    kept.blobs.iter().copied().collect()
}

/// In the order in which they would go.
fn groups(kept: &[Kept], now_ms: i64) -> Vec<Group<'_>> {
    let waiting = kept.iter().rev().filter(|one| one.state == ShelvedState::Pending);
    let newest: BTreeSet<&ChangesetId> = waiting.take(NEWEST).map(|one| &one.id).collect();
    let mut groups = BTreeMap::<&ChangesetId, Group<'_>>::new();
    for one in kept {
        let fresh = one.state == ShelvedState::Applied && one.at_ms > now_ms.saturating_sub(DAY_MS);
        let group = groups.entry(&one.proposal).or_insert_with(|| Group { at_ms: i64::MIN, ..Group::default() });
        group.at_ms = group.at_ms.max(one.at_ms);
        group.stays |= fresh || newest.contains(&one.id);
        group.members.push(one);
    }
    let mut groups: Vec<Group<'_>> = groups.into_values().collect();
    groups.sort_by_key(|group| group.at_ms);
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use ShelvedState::{Applied, Pending, Settled, Undone};

    const NOW: i64 = 100 * DAY_MS;

    /// One of so many days ago, whose files hold what the numbers stand for, ten bytes each.
    fn kept(name: &str, state: ShelvedState, days: i64, blobs: &[u8]) -> Kept {
        let (id, blob) = (ChangesetId::from_text(name), |number: &u8| (ContentHash::of(&[*number]), 10));
        let proposal = ChangesetId::from_text(name.get(..1).unwrap());
        Kept { id, proposal, state, at_ms: NOW - days * DAY_MS, bytes: 1, blobs: blobs.iter().map(blob).collect() }
    }

    fn gone(kept: &[Kept], keep_days: u64, keep_bytes: u64) -> Vec<String> {
        let gone = to_remove(kept, Retention { keep_days, keep_bytes }, NOW);
        gone.iter().map(|gone| gone.id.to_string()).collect()
    }

    #[test]
    fn what_is_old_goes_and_what_is_too_much_goes_oldest_first() {
        let all = [
            kept("a", Applied, 31, &[1]),
            kept("b", Undone, 30, &[2]),
            kept("c", Settled, 20, &[3]),
            kept("d", Applied, 10, &[4]),
        ];
        assert_eq!(gone(&all, 30, 1000), ["a"]);
        assert_eq!(gone(&all, 40, 44), [""; 0]);
        assert_eq!(gone(&all, 40, 43), ["a"]);
        assert_eq!(gone(&all, 40, 22), ["a", "b"]);
        assert_eq!(gone(&all, 40, 0), ["a", "b", "c", "d"]);
        assert_eq!(gone(&all, u64::MAX, u64::MAX), [""; 0]);
        assert_eq!(gone(&[], 1, 1), [""; 0]);
    }

    #[test]
    fn what_others_refer_to_is_counted_once_and_freed_with_the_last() {
        let all = [kept("a", Applied, 9, &[1, 2, 2]), kept("b", Applied, 8, &[1, 2]), kept("c", Applied, 7, &[3])];
        assert_eq!(gone(&all, 30, 33), [""; 0]);
        assert_eq!(gone(&all, 30, 32), ["a"]);
        // Without `a` there are 32 still.
        assert_eq!(gone(&all, 30, 31), ["a", "b"]);
    }

    #[test]
    fn what_was_applied_today_and_what_waits_and_is_newest_stays() {
        let fresh = kept("a", Applied, 0, &[1]);
        let mut all = vec![fresh.clone()];
        all.extend(('b'..='m').map(|name| kept(&name.to_string(), Pending, 50, &[2])));
        assert_eq!(gone(&all, 1, 0), ["b", "c"], "the ten newest of twelve stay");
        let undone = Kept { state: Undone, ..fresh };
        assert_eq!(gone(&[undone], 1, 0), ["a"]);
    }

    #[test]
    fn a_proposal_and_its_parts_go_together() {
        let parts = [kept("a", Settled, 50, &[]), kept("a1", Applied, 50, &[1]), kept("b", Undone, 40, &[2])];
        assert_eq!(gone(&parts, 45, 1000), ["a", "a1"]);
        let [a, a1, b] = parts;
        let later = [a, a1, b, kept("a2", Applied, 3, &[3])];
        assert_eq!(gone(&later, 30, 1000), ["b"], "a part of it was applied three days ago");
    }

    #[test]
    fn it_is_time_once_an_hour_or_when_much_came() {
        let keep = Retention { keep_days: 1, keep_bytes: 800 };
        assert!(is_due(None, 0, keep, NOW));
        assert!(!is_due(Some(NOW), 100, keep, NOW) && !is_due(Some(NOW), 0, keep, NOW + HOUR_MS - 1));
        assert!(is_due(Some(NOW), 0, keep, NOW + HOUR_MS) && is_due(Some(NOW), 101, keep, NOW));
        assert!(is_due(Some(NOW), 0, keep, NOW - 1), "the clock went backwards");
    }
}
