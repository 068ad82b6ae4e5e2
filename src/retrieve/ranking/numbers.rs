//! Counts and yes-or-no as numbers of a row.

/// The longest run of terms that stand in the question as they stand in the name.
/// `name` has the place of each word in the question.
pub(super) fn longest_run(name: &[Option<usize>]) -> usize {
    let (mut longest, mut run, mut before) = (0, 0, None);
    for place in name {
        run = match (place, before) {
            (None, _) => 0,
            (Some(place), Some(before)) if *place == before + 1 => run + 1,
            (Some(_), _) => 1,
        };
        before = *place;
        longest = longest.max(run);
    }
    longest
}

pub(super) fn flag(is: bool) -> f32 {
    f32::from(u8::from(is))
}

#[allow(clippy::cast_precision_loss, reason = "counts within one chunk or question are small")]
pub(super) fn number(count: usize) -> f32 {
    count as f32
}

pub(super) fn ratio(part: usize, whole: usize) -> f32 {
    number(part) / number(whole.max(1))
}

pub(super) fn logarithm(count: usize) -> f32 {
    number(count).ln_1p()
}
