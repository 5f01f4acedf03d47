//! Numbers and times as people read them.

use freewheel_sync::view::Delivery;
use freewheel_workout::Zone;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The present moment and where the athlete is.
#[derive(Debug, Clone)]
pub struct Here {
    /// Now.
    pub now: Timestamp,
    /// The athlete's time zone.
    pub zone: TimeZone,
}

impl Here {
    /// Today in the athlete's calendar.
    pub fn today(&self) -> jiff::civil::Date {
        self.now.to_zoned(self.zone.clone()).date()
    }

    /// The time of day.
    pub fn clock(&self) -> String {
        self.now
            .to_zoned(self.zone.clone())
            .strftime("%H:%M:%S")
            .to_string()
    }

    /// A moment in Unix milliseconds: the time alone when it is today, else with its day.
    pub fn moment(&self, milliseconds: i64) -> String {
        let Ok(moment) = Timestamp::from_millisecond(milliseconds) else {
            return "?".to_owned();
        };
        let moment = moment.to_zoned(self.zone.clone());
        let form = if moment.date() == self.today() {
            "%H:%M"
        } else {
            "%Y-%m-%d %H:%M"
        };
        moment.strftime(form).to_string()
    }

    /// When something is tried next, in Unix milliseconds: counted in seconds when it is near.
    pub fn next_try(&self, milliseconds: i64) -> String {
        match milliseconds.saturating_sub(self.now.as_millisecond()) {
            ..=0 => "next try now".to_owned(),
            left @ 1..60_000 => format!("next try in {} s", left / 1000 + 1),
            60_000.. => format!("next try {}", self.moment(milliseconds)),
        }
    }

    /// A moment in Unix milliseconds with its day.
    pub fn day_and_time(&self, milliseconds: i64) -> String {
        Timestamp::from_millisecond(milliseconds).map_or_else(
            |_| "?".to_owned(),
            |at| {
                at.to_zoned(self.zone.clone())
                    .strftime("%Y-%m-%d %H:%M")
                    .to_string()
            },
        )
    }

    /// Where a ride is.
    pub fn delivery(&self, delivery: &Delivery) -> String {
        match delivery {
            Delivery::LocalOnly => "on this computer only".to_owned(),
            Delivery::Waiting {
                next_try: Some(at),
                words,
                ..
            } => {
                format!("{} · {}", words.trim_end_matches('.'), self.next_try(*at))
            }
            Delivery::Waiting {
                next_try: None,
                words,
                ..
            } => words.clone(),
            Delivery::Sending => "being uploaded".to_owned(),
            Delivery::Delivered { at } => format!("uploaded {}", self.moment(*at)),
            Delivery::Parked { reason } => format!("needs you: {reason}"),
        }
    }
}

/// Seconds as `4:05` or `1:04:05`.
pub fn length(seconds: u32) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// A number with its unit, or a dash.
pub fn with_unit(number: Option<impl ToString>, unit: &str) -> String {
    number.map_or_else(
        || "–".to_owned(),
        |number| format!("{} {unit}", number.to_string()),
    )
}

/// `1 ride`, `2 rides`.
pub fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A zone with its number.
pub fn zone(zone: Zone) -> &'static str {
    match zone {
        Zone::Recovery => "1 recovery",
        Zone::Endurance => "2 endurance",
        Zone::Tempo => "3 tempo",
        Zone::Threshold => "4 threshold",
        Zone::Vo2Max => "5 VO2max",
        Zone::Anaerobic => "6 anaerobic",
        Zone::Neuromuscular => "7 neuromuscular",
    }
}

/// Text on one line and without control characters: names come from files, and a terminal obeys what it is sent.
pub fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .filter(|c| !is_turning(*c))
        .collect()
}

/// Whether a character changes the direction of what follows (Unicode Standard Annex 9, table 4): what stands behind a
/// name would be shown backwards.
fn is_turning(character: char) -> bool {
    matches!(character, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> Here {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        Here {
            now: "2026-03-04T23:30:00Z".parse().unwrap(),
            zone,
        }
    }

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn times_are_local_and_carry_a_day_only_when_it_is_another() {
        assert_eq!(here().today().to_string(), "2026-03-05");
        assert_eq!(here().moment(ms("2026-03-04T22:14:00Z")), "00:14");
        assert_eq!(
            here().moment(ms("2026-03-04T21:59:00Z")),
            "2026-03-04 23:59"
        );
        assert_eq!(here().moment(i64::MAX), "?");
    }

    #[test]
    fn a_try_that_is_near_is_counted_in_seconds() {
        for (at, expected) in [
            ("2026-03-04T23:29:59Z", "next try now"),
            ("2026-03-04T23:30:00Z", "next try now"),
            ("2026-03-04T23:30:00.1Z", "next try in 1 s"),
            ("2026-03-04T23:30:59.9Z", "next try in 60 s"),
            ("2026-03-04T23:31:00Z", "next try 01:31"),
            ("2026-03-05T22:10:00Z", "next try 2026-03-06 00:10"),
        ] {
            assert_eq!(here().next_try(ms(at)), expected);
        }
    }

    #[test]
    fn lengths_read_like_a_clock() {
        for (seconds, expected) in [
            (0, "0:00"),
            (65, "1:05"),
            (3599, "59:59"),
            (3600, "1:00:00"),
            (86_400, "24:00:00"),
        ] {
            assert_eq!(length(seconds), expected);
        }
    }

    #[test]
    fn a_waiting_ride_says_when_it_is_tried_next() {
        let waiting = |next_try| Delivery::Waiting {
            next_try,
            attempts: 1,
            words: "Waiting to upload.".into(),
        };
        let at = ms("2026-03-04T23:44:00Z");
        assert_eq!(
            here().delivery(&waiting(Some(at))),
            "Waiting to upload · next try 01:44"
        );
        assert_eq!(here().delivery(&waiting(None)), "Waiting to upload.");
    }

    #[test]
    fn a_name_cannot_steer_the_terminal_nor_turn_what_follows() {
        assert_eq!(plain("a\u{1b}[31mb\nc\u{9b}d"), "a [31mb c d");
        assert_eq!(plain("tempo\u{202e}gpj\u{2066}.exe"), "tempogpj.exe");
        assert_eq!(plain("Zoë 漢字 עברית"), "Zoë 漢字 עברית");
    }
}
