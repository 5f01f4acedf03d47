use proptest::prelude::*;

use super::*;
use crate::time::{BootId, BootMs};

const DAY: i64 = 86_400_000;
/// 2026-01-05 06:00 UTC.
const T0: i64 = 1_767_592_800_000;

fn now(days: f64, boot_days: f64, boot_id: &str) -> Now {
    Now {
        wall: WallMs(T0 + (days * DAY as f64) as i64),
        boot: BootMs((boot_days * DAY as f64) as u64),
        boot_id: boot_id.into(),
    }
}

fn contact() -> Anchor {
    Anchor {
        server: WallMs(T0),
        at: now(0.0, 1.0, "first"),
        offline_grace: None,
    }
}

fn open(days: u64) -> Standing {
    Standing::Open {
        left: Millis::days(days),
    }
}

fn expired(days: u64) -> Standing {
    Standing::Expired {
        since: Millis::days(days),
    }
}

#[test]
fn in_the_run_of_the_contact_only_the_boot_clock_counts() {
    let cases = [
        ("one day", 1.0, 2.0, open(13), false),
        (
            "suspended for a week: the boot clock went on",
            7.0,
            8.0,
            open(7),
            false,
        ),
        ("wall 60 days ahead is ignored", 61.0, 2.0, open(13), false),
        (
            "wall 30 days back gains nothing",
            -29.0,
            2.0,
            open(13),
            true,
        ),
        (
            "wall a year back, grace over by uptime",
            -360.0,
            16.0,
            expired(1),
            true,
        ),
        ("1970", -(T0 as f64) / DAY as f64, 2.0, open(13), true),
    ];
    for (name, wall, boot, standing, suspect) in cases {
        let state = check(&contact(), None, &now(wall, boot, "first"), GRACE);
        assert!(!state.over_by_date, "{name}: the boot clock counts");
        assert_eq!(
            (state.standing, state.clock_suspect),
            (standing, suspect),
            "{name}"
        );
    }
}

#[test]
fn across_restarts_the_larger_of_wall_and_mark_counts() {
    let mark = Mark {
        elapsed: Millis::days(10),
        at: now(10.0, 9.0, "second"),
        restarted: false,
        put_right: false,
    };
    let cases = [
        ("off for 2 days", 12.0, 0.0, open(2), false),
        (
            "the clock stands where the mark was",
            10.0,
            0.0,
            open(4),
            false,
        ),
        (
            "4 minutes behind is tolerated",
            10.0 - 4.0 / 1440.0,
            0.0,
            open(4),
            false,
        ),
        (
            "6 minutes behind is suspect",
            10.0 - 6.0 / 1440.0,
            0.0,
            open(4),
            true,
        ),
        ("30 days back gains nothing", -20.0, 0.0, open(4), true),
        (
            "30 days back, uptime goes on counting",
            -20.0,
            1.0,
            open(3),
            true,
        ),
        (
            "30 days back, used up by uptime",
            -20.0,
            5.0,
            expired(1),
            true,
        ),
        ("the last moment of the grace", 14.0, 0.0, open(0), false),
        ("60 days ahead is over", 70.0, 0.0, expired(56), false),
    ];
    for (name, wall, boot, standing, suspect) in cases {
        let state = check(&contact(), Some(&mark), &now(wall, boot, "third"), GRACE);
        assert_eq!(state.over_by_date, wall > 14.0, "{name}");
        assert_eq!(
            (state.standing, state.clock_suspect),
            (standing, suspect),
            "{name}"
        );
    }
}

#[test]
fn the_last_millisecond_of_14_days_is_open() {
    for (run, boot) in [("first", BootMs(15 * DAY as u64)), ("second", BootMs(0))] {
        let mut at = Now {
            wall: WallMs(T0 + 14 * DAY),
            boot,
            boot_id: run.into(),
        };
        assert_eq!(
            check(&contact(), None, &at, GRACE).standing,
            open(0),
            "{run}"
        );
        at.wall = at.wall.plus(Millis(1));
        at.boot = BootMs(at.boot.0 + 1);
        let over = Standing::Expired { since: Millis(1) };
        assert_eq!(check(&contact(), None, &at, GRACE).standing, over, "{run}");
    }
}

#[test]
fn the_server_may_shorten_the_grace_and_never_lengthen_it() {
    let cases = [
        (None, 14),
        (Some(3), 3),
        (Some(14), 14),
        (Some(400), 14),
        (Some(0), 0),
    ];
    for (asked, days) in cases {
        assert_eq!(limit(asked.map(Millis::days)), Millis::days(days));
    }
    let state = check(
        &contact(),
        None,
        &now(15.0, 16.0, "first"),
        Millis::days(400),
    );
    assert_eq!(
        state.standing,
        expired(1),
        "not even when the caller forgets"
    );
}

#[test]
fn sixty_days_ahead_and_back_is_open_again_with_what_was_left() {
    let anchor = contact();
    let before = mark(&anchor, None, &now(3.0, 0.0, "second"), GRACE);
    let ahead = now(63.0, 0.01, "third");
    assert!(!check(&anchor, Some(&before), &ahead, GRACE).is_open());
    let during = mark(&anchor, Some(&before), &ahead, GRACE);
    for (run, wall) in [("third", 3.02), ("fourth", 3.05)] {
        let back = now(wall, 0.02, run);
        let state = check(&anchor, Some(&during), &back, GRACE);
        assert!(state.is_open(), "{run}");
        assert_eq!(state.days_left(), 11, "{run}");
        assert!(
            !state.clock_suspect,
            "{run}: a clock that was put right is not suspect"
        );
    }
}

#[test]
fn uptime_is_remembered_even_when_the_grace_is_over() {
    let anchor = contact();
    let over = mark(&anchor, None, &now(20.0, 21.0, "first"), GRACE);
    let state = check(&anchor, Some(&over), &now(1.0, 0.0, "second"), GRACE);
    assert_eq!(state.standing, expired(6));
}

#[test]
fn a_clock_that_was_wrong_at_the_contact_may_be_put_right_or_stay_wrong() {
    for wrong_by in [-20_000.0, -1.0, 1.0, 365.0] {
        let mut anchor = contact();
        anchor.at = now(wrong_by, 1.0, "first");
        for (name, wall) in [("put right", 2.0), ("still wrong", wrong_by + 2.0)] {
            let state = check(&anchor, None, &now(wall, 0.1, "second"), GRACE);
            assert!(state.is_open(), "{name}, by {wrong_by} days");
            assert!(!state.clock_suspect, "{name}, by {wrong_by} days");
        }
    }
}

/// A computer that was wrong by `ahead` days at the contact, is right from then on, and is off between its starts.
fn starts(ahead: f64, days: &[f64]) -> Vec<(f64, GraceState)> {
    let mut anchor = contact();
    anchor.at = now(ahead, 1.0, "first");
    let mut saved = None;
    let mut states = Vec::new();
    for (start, day) in days.iter().enumerate() {
        let now = now(*day, 0.0, &format!("start {start}"));
        states.push((*day, check(&anchor, saved.as_ref(), &now, GRACE)));
        saved = Some(mark(&anchor, saved.as_ref(), &now, GRACE));
    }
    states
}

#[test]
fn a_clock_that_is_put_right_once_does_not_count_as_wrong_again() {
    let days = [1.0, 7.0, 13.0, 14.0, 15.0, 16.0, 18.0, 40.0];
    for ahead in [1.1, 1.5, 5.0, 10.0, 14.0, 365.0] {
        for (day, state) in starts(ahead, &days) {
            assert_eq!(state.is_open(), day <= 14.0, "day {day}, {ahead} ahead");
            let elapsed = Millis::days(day as u64);
            assert_eq!(state.elapsed, elapsed, "day {day}, {ahead} ahead");
        }
    }
}

/// A clock that is as far ahead as is tolerated was right; one millisecond more, and it was not.
#[test]
fn what_was_ahead_by_no_more_than_is_tolerated_is_not_put_right() {
    for (more, put_right) in [(0, false), (1, true)] {
        let mut anchor = contact();
        anchor.at.wall = anchor.server.plus(TOLERANCE).plus(Millis(more));
        let mut later = now(1.0, 2.0, "first");
        later.wall = later.wall.minus(Millis(1));
        assert_eq!(
            mark(&anchor, None, &later, GRACE).put_right,
            put_right,
            "{more} ms"
        );
    }
}

/// What the module's documentation says that it cannot tell: nobody looked while the two readings differed.
#[test]
fn a_clock_that_was_ahead_and_is_first_seen_later_than_that_hides_as_much() {
    let ends = |ahead, days: &[f64]| {
        let open = starts(ahead, days).into_iter().filter(|(_, s)| s.is_open());
        open.map(|(day, _)| day).fold(0.0, f64::max)
    };
    assert_eq!(ends(5.0, &[5.0, 14.0, 19.0, 19.1]), 19.0);
    assert_eq!(ends(10.0, &[24.0, 24.1, 26.0]), 24.0);
}

#[test]
fn days_left_round_up_and_the_nudge_starts_on_day_10() {
    let cases = [
        (Millis::days(14), 14),
        (Millis::days(4), 4),
        (Millis(1), 1),
        (Millis::ZERO, 0),
    ];
    for (left, days) in cases {
        assert_eq!(days_left(left), days);
    }
    let day_10 = check(&contact(), None, &now(10.0, 11.0, "first"), GRACE);
    assert_eq!(day_10.days_left(), NUDGE_DAYS);
    let before = check(&contact(), None, &now(9.99, 10.99, "first"), GRACE);
    assert!(before.days_left() > NUDGE_DAYS);
}

#[test]
fn the_mark_is_due_after_five_minutes_of_uptime_and_after_a_restart() {
    let saved = Mark {
        elapsed: Millis::ZERO,
        at: now(0.0, 1.0, "first"),
        restarted: false,
        put_right: false,
    };
    let minutes = |n: f64| n / 1440.0;
    assert!(mark_is_due(None, &now(0.0, 1.0, "first")));
    assert!(!mark_is_due(
        Some(&saved),
        &now(9.0, 1.0 + minutes(4.0), "first")
    ));
    assert!(mark_is_due(
        Some(&saved),
        &now(0.0, 1.0 + minutes(6.0), "first")
    ));
    assert!(mark_is_due(Some(&saved), &now(0.0, 1.0, "second")));
}

#[test]
fn a_boot_clock_that_went_back_is_another_run_whatever_its_id() {
    let anchor = contact();
    let mut saved = Some(mark(&anchor, None, &now(1.0, 2.0, "first"), GRACE));
    let same_again = [
        (10.0, 0.0, true),
        (10.25, 0.25, true),
        (12.0, 2.0, true),
        (13.0, 3.0, true),
        (20.0, 0.0, false),
        (100.0, 0.5, false),
        (103.0, 3.5, false),
    ];
    for (day, boot, open) in same_again {
        let now = now(day, boot, "first");
        let state = check(&anchor, saved.as_ref(), &now, GRACE);
        assert_eq!(state.is_open(), open, "day {day}");
        let elapsed = Millis((day * DAY as f64) as u64);
        assert_eq!(state.elapsed, elapsed, "day {day}");
        saved = Some(mark(&anchor, saved.as_ref(), &now, GRACE));
    }
}

#[test]
fn a_reading_that_comes_late_counts_no_uptime_twice() {
    let anchor = contact();
    let up = |minutes: f64| now(minutes / 1440.0, 100.0 + minutes / 1440.0, "first");
    let anchor = Anchor {
        at: now(0.0, 100.0, "first"),
        ..anchor
    };
    let saved = mark(&anchor, None, &up(90.0), GRACE);
    for late in [0.1, 0.9, 2.0, 80.0] {
        let state = check(&anchor, Some(&saved), &up(90.0 - late), GRACE);
        assert!(
            state.elapsed <= Millis::mins(90),
            "{late} minutes late: {state:?}"
        );
        assert!(!state.clock_suspect || late > 5.0);
    }
}

/// One thing that happens to the computer, in ms.
#[derive(Debug, Clone)]
enum Happens {
    Runs(u64),
    IsOff(u64),
    /// It is off for so long, and its boot clock goes on from an earlier moment under the same id: a virtual machine that
    /// is put back, or an id that was made up twice.
    GoesBack(u64),
    ClockMoves(i64),
}

fn happenings(moves: std::ops::Range<i64>) -> impl Strategy<Value = Vec<Happens>> {
    let day = DAY as u64;
    prop::collection::vec(
        prop_oneof![
            (0..3 * day).prop_map(Happens::Runs),
            (0..3 * day).prop_map(Happens::IsOff),
            moves.prop_map(Happens::ClockMoves),
        ],
        0..40,
    )
}

/// A computer that lives through happenings and keeps its mark as the app does.
struct Computer {
    anchor: Anchor,
    mark: Option<Mark>,
    now: Now,
    uptime: u64,
    real: u64,
}

impl Computer {
    fn at_contact() -> Self {
        let anchor = contact();
        Self {
            now: anchor.at.clone(),
            anchor,
            mark: None,
            uptime: 0,
            real: 0,
        }
    }

    fn live(&mut self, happens: &Happens) {
        match happens {
            Happens::Runs(ms) => {
                self.now.wall = self.now.wall.plus(Millis(*ms));
                self.now.boot = BootMs(self.now.boot.0.saturating_add(*ms));
                self.uptime += ms;
                self.real += ms;
            }
            Happens::IsOff(ms) => {
                self.now.wall = self.now.wall.plus(Millis(*ms));
                self.now.boot = BootMs(0);
                self.now.boot_id = BootId(format!("{}+", self.now.boot_id));
                self.real += ms;
            }
            Happens::GoesBack(ms) => {
                self.now.wall = self.now.wall.plus(Millis(*ms));
                self.now.boot =
                    BootMs((self.now.boot.0 / 2).min(self.now.boot.0.saturating_sub(60_001)));
                self.real += ms;
            }
            Happens::ClockMoves(by) => self.now.wall = WallMs(self.now.wall.0.saturating_add(*by)),
        }
    }

    fn state(&self) -> GraceState {
        check(&self.anchor, self.mark.as_ref(), &self.now, GRACE)
    }

    fn save_mark(&mut self) {
        self.mark = Some(mark(&self.anchor, self.mark.as_ref(), &self.now, GRACE));
    }
}

/// A life in which boot ids come again.
fn ids_that_come_again() -> impl Strategy<Value = Vec<Happens>> {
    let day = DAY as u64;
    prop::collection::vec(
        prop_oneof![
            // Longer than readings can be late.
            (60_001..3 * day).prop_map(Happens::Runs),
            (0..3 * day).prop_map(Happens::IsOff),
            (0..3 * day).prop_map(Happens::GoesBack),
        ],
        0..40,
    )
}

proptest! {
    #[test]
    fn a_boot_id_that_comes_again_stops_no_clock(story in ids_that_come_again()) {
        let mut computer = Computer::at_contact();
        for happens in &story {
            computer.live(happens);
            if !matches!(happens, Happens::Runs(_)) {
                // It starts, and is on for a while before it can be put back again.
                prop_assert_eq!(computer.state().elapsed, Millis(computer.real));
                computer.save_mark();
                computer.live(&Happens::Runs(60_001));
            }
            prop_assert_eq!(computer.state().elapsed, Millis(computer.real));
            prop_assert_eq!(computer.state().is_open(), computer.real <= GRACE.0);
            computer.save_mark();
        }
    }

    #[test]
    fn with_an_honest_clock_elapsed_is_exact(story in happenings(0..1)) {
        let mut computer = Computer::at_contact();
        for happens in &story {
            computer.live(happens);
            let state = computer.state();
            prop_assert_eq!(state.elapsed, Millis(computer.real));
            prop_assert_eq!(state.is_open(), computer.real <= GRACE.0);
            prop_assert!(!state.clock_suspect);
            computer.save_mark();
        }
    }

    /// However wrong the clock was at the contact: if it stays as it is, or is put right and was looked at while that
    /// could be told, elapsed time is what really passed; and never is it more.
    #[test]
    fn a_clock_that_was_wrong_at_the_contact_gains_nothing_once_it_was_seen_right(
        story in happenings(0..1), wrong_by in -40 * DAY..40 * DAY, right_after in 0..40_usize,
    ) {
        let mut computer = Computer::at_contact();
        computer.live(&Happens::ClockMoves(wrong_by));
        computer.anchor.at = computer.now.clone();
        let (mut put_right, mut seen_right) = (false, false);
        for (step, happens) in story.iter().enumerate() {
            if step == right_after {
                computer.live(&Happens::ClockMoves(-wrong_by));
                put_right = true;
            }
            computer.live(happens);
            let state = computer.state();
            prop_assert!(state.elapsed.0 <= computer.real, "never locked out early");
            prop_assert!(!state.clock_suspect);
            let was_off = Millis(computer.real - computer.uptime);
            seen_right |= put_right && wrong_by > was_off.plus(TOLERANCE).0 as i64;
            if seen_right || (wrong_by >= 0 && !put_right) {
                prop_assert_eq!(state.elapsed, Millis(computer.real));
                prop_assert_eq!(state.is_open(), computer.real <= GRACE.0);
            }
            computer.save_mark();
        }
    }

    #[test]
    fn no_movement_of_the_clock_gains_on_uptime_or_on_what_was_seen_open(
        story in happenings(-40 * DAY..40 * DAY)
    ) {
        let mut computer = Computer::at_contact();
        let mut seen = Millis::ZERO;
        for happens in &story {
            computer.live(happens);
            if let Happens::Runs(ms) = happens {
                seen = seen.plus(Millis(*ms));
            }
            let state = computer.state();
            prop_assert!(state.elapsed.0 >= computer.uptime);
            prop_assert!(state.elapsed >= seen, "{:?} < {seen:?}", state.elapsed);
            if state.is_open() {
                seen = seen.max(state.elapsed);
            }
            computer.save_mark();
        }
    }

    #[test]
    fn a_jump_that_ends_the_grace_leaves_no_trace(
        story in happenings(0..1),
        ahead in 15 * DAY..4_000 * DAY,
        off in 0_u64..1_000,
    ) {
        let mut computer = Computer::at_contact();
        for happens in &story {
            computer.live(happens);
            computer.save_mark();
        }
        computer.live(&Happens::IsOff(off));
        let before = computer.state();
        computer.live(&Happens::ClockMoves(ahead));
        prop_assert!(!computer.state().is_open());
        computer.save_mark();
        computer.live(&Happens::ClockMoves(-ahead));
        prop_assert_eq!(computer.state(), before);
    }

    #[test]
    fn nothing_panics_at_the_extremes(
        server in any::<i64>(), wall in any::<i64>(), then in any::<i64>(),
        boot in any::<u64>(), boot_then in any::<u64>(), elapsed in any::<u64>(),
        limit in any::<u64>(), same in any::<bool>(), put_right in any::<bool>(),
        restarted in any::<bool>(),
    ) {
        let at = |wall, boot, id: &str| Now { wall: WallMs(wall), boot: BootMs(boot), boot_id: id.into() };
        let anchor = Anchor { server: WallMs(server), at: at(then, boot_then, "a"), offline_grace: None };
        let saved = Mark { elapsed: Millis(elapsed), at: at(then, boot_then, "b"), restarted, put_right };
        let now = at(wall, boot, if same { "a" } else { "c" });
        let limit = Millis(limit);
        let state = check(&anchor, Some(&saved), &now, limit);
        prop_assert_eq!(state.is_open(), state.elapsed <= limit.min(GRACE));
        let next = mark(&anchor, Some(&saved), &now, limit);
        prop_assert!(next.elapsed <= state.elapsed);
        let _ = (server_time(&anchor, Some(&saved), &now), state.days_left());
    }
}
