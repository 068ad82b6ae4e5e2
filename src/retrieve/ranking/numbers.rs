//! Counts and yes-or-no as numbers of a row.

/// The longest run of terms that stand in the question as they stand in the name.
pub(super) fn longest_run(asked: &[String], name: &[String]) -> usize {
    let run = |from: usize, at: usize| {
        let pairs = asked.iter().skip(from).zip(name.iter().skip(at));
        pairs.take_while(|(asked, word)| asked == word).count()
    };
    let runs = (0..asked.len()).flat_map(|from| (0..name.len()).map(move |at| (from, at)));
    runs.map(|(from, at)| run(from, at)).max().unwrap_or_default()
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
