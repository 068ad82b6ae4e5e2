//! When an endpoint that fails is tried again. Pure: time is told.

/// The first pause after a failure, in milliseconds; each further one is twice as long.
const FIRST_PAUSE: i64 = 1_000;
/// The longest, also where the endpoint wants a longer one.
const LONGEST_PAUSE: i64 = 300_000;
/// Failures in a row after which the user is told, once.
const TOLD_AFTER: u32 = 3;

/// Counts the failures of an endpoint since it last answered.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    closed_until: i64,
}

impl Breaker {
    /// How many milliseconds to leave it alone; 0 for not at all.
    pub(super) fn pause(&self, now: i64) -> u64 {
        // A clock that was set back must not make a pause longer than any.
        u64::try_from((self.closed_until - now).clamp(0, LONGEST_PAUSE)).unwrap_or_default()
    }

    /// It failed, and wants to be left alone for so long; whether that is to be told.
    pub(super) fn failed(&mut self, now: i64, wanted: Option<u64>) -> bool {
        self.failures = self.failures.saturating_add(1);
        let doubled = FIRST_PAUSE << (self.failures - 1).min(16);
        let wanted = wanted.map_or(0, |wanted| i64::try_from(wanted).unwrap_or(i64::MAX));
        self.closed_until = now.saturating_add(doubled.max(wanted).min(LONGEST_PAUSE));
        self.failures == TOLD_AFTER
    }

    /// It answered.
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_the_user_is_told_once() {
        let (mut breaker, mut now, mut told, mut pauses) = (Breaker::default(), 5, 0, Vec::new());
        for _ in 0..200 {
            told += u32::from(breaker.failed(now, None));
            pauses.push(breaker.pause(now));
            now += i64::try_from(breaker.pause(now)).unwrap();
            assert_eq!(breaker.pause(now), 0);
        }
        assert_eq!((told, &pauses[..4], pauses[199]), (1, &[1_000, 2_000, 4_000, 8_000][..], 300_000));
        breaker.succeeded();
        assert_eq!(breaker.pause(now), 0);
        assert!(!breaker.failed(now, Some(7_000)));
        assert_eq!(breaker.pause(now), 7_000);
        assert_eq!((breaker.pause(now - 3_600_000), breaker.pause(now + 7_000)), (300_000, 0));
        breaker.failed(now, Some(u64::MAX));
        assert_eq!(breaker.pause(now), 300_000);
    }
}
