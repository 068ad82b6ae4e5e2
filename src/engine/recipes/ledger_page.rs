//! The ledger's last records as lines that people read.

use super::super::Workbench;
use crate::ports::{Entry, Failure, Phase};
use crate::workspace::Root;

const MILLISECONDS_A_DAY: i64 = 86_400_000;

/// The last `count` records of each of `roots`, a line each.
///
/// # Errors
/// When the ledger cannot be read.
pub fn ledger_page(workbench: &Workbench, roots: &[Root], count: usize) -> Result<String, Failure> {
    let mut page = String::new();
    for root in roots {
        page.push_str(&format!("{}\n", root.as_path().display()));
        for entry in workbench.ledger.recent(root, count)? {
            page.push_str(&line(&entry));
        }
    }
    Ok(page)
}

fn line(entry: &Entry) -> String {
    let (what, tail) = (entry.action.describe(), &entry.outcome);
    let said = match entry.phase {
        Phase::Judged => entry.verdict.explain(),
        Phase::Ended => "ended".to_owned(),
        Phase::Resolved => "was looked into".to_owned(),
    };
    let level = entry.level.map_or_else(String::new, |level| format!(" [{level}]"));
    let tail = if tail.is_empty() { String::new() } else { format!(" — {tail}") };
    format!("{:>4}  {}  {:<15}  {what}{level}: {said}{tail}\n", entry.number, timestamp(entry.at_ms), entry.mode.name())
}

/// Milliseconds since the Unix epoch as `YYYY-MM-DDThh:mm:ssZ` (days to civil date after Howard Hinnant,
/// "chrono-compatible low-level date algorithms").
pub(super) fn timestamp(at_ms: i64) -> String {
    let seconds = at_ms.rem_euclid(MILLISECONDS_A_DAY) / 1000;
    let days = at_ms.div_euclid(MILLISECONDS_A_DAY) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::timestamp;

    #[test]
    fn knows_leap_days_and_the_time_before_the_epoch() {
        assert_eq!(timestamp(0), "1970-01-01T00:00:00Z");
        assert_eq!(timestamp(951_827_696_000), "2000-02-29T12:34:56Z");
        assert_eq!(timestamp(-1000), "1969-12-31T23:59:59Z");
    }
}
