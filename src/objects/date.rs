//! Moments as object stores write them.

const DAY: i64 = 24 * 60 * 60;
/// Digits of a year.
const MOST_DIGITS: usize = 4;

/// `20130524T000000Z` for a number of seconds since the Unix epoch.
pub(super) fn basic(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    let (year, month, day) = from_days(days);
    format!("{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Milliseconds since the Unix epoch of a text like `2013-05-24T00:00:00.000Z`.
pub(super) fn read(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let time = time.split_once('.').map_or(time, |(whole, _)| whole);
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, ':')?;
    let is_day = (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    let is_valid = is_day && hour < 24 && minute < 60 && second <= 60;
    is_valid.then(|| (to_days(year, month, day) * DAY + hour * 3600 + minute * 60 + second) * 1000)
}

fn numbers(text: &str, between: char) -> Option<[i64; 3]> {
    let is_plain = |part: &str| part.len() <= MOST_DIGITS && part.bytes().all(|byte| byte.is_ascii_digit());
    let number = |part: &str| Some(part).filter(|part| is_plain(part))?.parse().ok();
    let found: Option<Vec<i64>> = text.split(between).take(4).map(number).collect();
    found?.try_into().ok()
}

/// Days since the Unix epoch; years are counted from March, so that a leap day is the last of its year.
fn to_days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of a number of days since the Unix epoch: the inverse of [`to_days`].
fn from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_and_read() {
        assert_eq!(basic(0), "19700101T000000Z");
        assert_eq!(basic(1_369_353_600), "20130524T000000Z");
        assert_eq!(basic(951_868_799), "20000229T235959Z");
        assert_eq!(read("2013-05-24T00:00:00.000Z"), Some(1_369_353_600_000));
        assert_eq!(read("2000-02-29T23:59:59Z"), Some(951_868_799_000));
        let wrong = [
            "",
            "T",
            "Z",
            "2013-05-24",
            "2013-05-24T00:00:00",
            "2013-13-01T00:00:00Z",
            "2013-05-24T+1:00:00Z",
            "2013-05-24T9999:00:00Z",
            "9223372036854775807-01-01T00:00:00Z",
            "2013-01-9223372036854775807T00:00:00Z",
            "2013-01-01T9223372036854775807:00:00Z",
        ];
        for wrong in wrong {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        for days in (-1_000..60_000).step_by(7) {
            let (year, month, day) = from_days(days);
            assert_eq!(to_days(year, month, day), days);
        }
    }
}
