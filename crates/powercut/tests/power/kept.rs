//! Nothing is lost and nothing is half.

use std::sync::LazyLock;

use freewheel_lab::port::Port;
use freewheel_powercut::cuts::{Plan, cut};
use freewheel_powercut::disk::Honesty;
use freewheel_powercut::mark::Mark;
use freewheel_powercut::recording::{Event, Recording};
use freewheel_powercut::stage::Stage;
use freewheel_server::{Options, Server};

use super::{marks, nothing_breaks, plan, played, played_on, seeds};

/// Tells marks of a kind.
type Kind = fn(&Mark) -> bool;

/// A day with the app, and the port of the service in it.
pub static DAY: LazyLock<(Recording, Port)> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let port = {
        let _inside = runtime.enter();
        Port::reserve().unwrap()
    };
    let stage = Stage::new().unwrap();
    // The service has been there for long.
    let options = Options {
        dev: true,
        ..Options::at(&port.url())
    };
    drop(Server::open(&stage.service(), options).unwrap());
    let recording = played_on(&stage, &["day", &port.address().to_string()]);
    (recording, port)
});

#[test]
fn at_every_write_of_a_day_what_was_promised_is_kept() {
    let (day, _) = &*DAY;
    let kinds: [(&str, Kind, usize); 9] = [
        ("samples", |mark| matches!(mark, Mark::Samples { .. }), 10),
        ("saved", |mark| matches!(mark, Mark::Saved { .. }), 1),
        ("sent", |mark| matches!(mark, Mark::Sent { .. }), 1),
        (
            "delivered",
            |mark| matches!(mark, Mark::Delivered { .. }),
            1,
        ),
        ("edited", |mark| matches!(mark, Mark::Edited { .. }), 1),
        ("edits sent", |mark| matches!(mark, Mark::EditsSent), 1),
        (
            "edits delivered",
            |mark| matches!(mark, Mark::EditDelivered { .. }),
            1,
        ),
        ("renewing", |mark| matches!(mark, Mark::Renewing), 1),
        ("tokens", |mark| matches!(mark, Mark::Tokens { .. }), 2),
    ];
    for (name, kind, at_least) in kinds {
        let count = marks(day, kind).len();
        assert!(count >= at_least, "a day without a promise: {name} {count}");
    }
    let outcome = nothing_breaks("day", day, 0..day.len() + 1);
    assert!(outcome.cuts > 500, "{outcome:?}");
}

/// The log is brought into the database after a thousand pages, and begun anew.
#[test]
fn a_ride_outlives_a_cut_while_the_log_is_brought_into_the_database() {
    let long = played(&["long"]);
    let begin = checkpoint(&long);
    let end = if seeds().is_empty() {
        long.len().min(begin + 350)
    } else {
        long.len()
    };
    let anew = marks(&long, |mark| matches!(mark, Mark::Samples { .. }));
    let after = anew.iter().filter(|at| (begin..end).contains(at)).count();
    assert!(after > 3, "the ride ends with the checkpoint");
    nothing_breaks("long", &long, begin.saturating_sub(100)..end + 1);
}

/// The first write of many in a row without a mark between them, after the ride began: one commit writes a dozen pages.
fn checkpoint(recording: &Recording) -> usize {
    const MANY: usize = 25;
    let first = marks(recording, |mark| matches!(mark, Mark::Samples { .. }))[0];
    let mut in_a_row = 0;
    for (number, event) in recording.events.iter().enumerate().skip(first) {
        match event {
            Event::Write { bytes, .. } if bytes.len() >= 4096 => in_a_row += 1,
            Event::Write { .. } | Event::Mark(_) => in_a_row = 0,
            _ => {}
        }
        if in_a_row == MANY {
            return number - MANY;
        }
    }
    panic!("the log was never brought into the database");
}

#[test]
fn a_page_of_the_library_is_there_with_its_cursor_or_not_at_all() {
    let pages = played(&["pages"]);
    let declared = marks(&pages, |mark| matches!(mark, Mark::Page { .. })).len();
    assert_eq!(declared, 7);
    nothing_breaks("pages", &pages, 0..pages.len() + 1);
}

/// On a disk that does nothing when it is asked to sync, promises are broken: the look would see it.
#[test]
fn a_disk_that_lies_is_found_out() {
    let (day, _) = &*DAY;
    let from = marks(day, |mark| matches!(mark, Mark::Saved { .. }))[0];
    let lying = Plan {
        honesty: Honesty::Lying,
        ..plan(from..from + 40)
    };
    let outcome = cut(day, &lying).unwrap();
    assert!(!outcome.broken.is_empty());
}
