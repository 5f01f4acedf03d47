use super::*;
use crate::testing::workout;

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn riding() -> Player {
    let mut player = Player::new(Some(&workout()), 200);
    player.start(Duration::ZERO);
    player
}

#[test]
fn every_moment_has_its_segment_target_and_words() {
    for (second, segment, left, target, next) in [
        (0, Some(0), Some(600), Some(80), Some("Next: 1:00 at 240 W")),
        (
            150,
            Some(0),
            Some(450),
            Some(100),
            Some("Next: 1:00 at 240 W"),
        ),
        (
            599,
            Some(0),
            Some(1),
            Some(160),
            Some("Next: 1:00 at 240 W"),
        ),
        (
            600,
            Some(1),
            Some(60),
            Some(240),
            Some("Next: 0:30 easy at 80 W"),
        ),
        (
            660,
            Some(2),
            Some(30),
            Some(80),
            Some("Next: 1:00 at 240 W"),
        ),
        (
            690,
            Some(3),
            Some(60),
            Some(240),
            Some("Next: 0:30 easy at 80 W"),
        ),
        (
            779,
            Some(4),
            Some(1),
            Some(80),
            Some("Next: 1:00 free ride"),
        ),
        (780, Some(5), Some(60), None, Some("Next: 0:20 all out")),
        (
            840,
            Some(6),
            Some(20),
            None,
            Some("Next: 2:00 easy at 100 W"),
        ),
        (860, Some(7), Some(120), Some(100), Some("Next: finish")),
        (980, None, None, None, None),
    ] {
        let mut player = riding();
        player.advance(at(second));
        assert_eq!(player.segment_index(), segment, "segment at {second}");
        assert_eq!(player.segment_left(), left, "left at {second}");
        assert_eq!(player.target_power(), target, "target at {second}");
        assert_eq!(player.next().as_deref(), next, "next at {second}");
    }
}

#[test]
fn the_workout_ends_by_itself_and_riding_on_is_possible() {
    let mut player = riding();
    player.advance(at(2000));
    assert_eq!(player.phase(), Phase::Complete);
    assert_eq!((player.ridden(), player.position()), (at(980), at(980)));
    assert_eq!(player.workout_left(), Some(0));

    player.start(at(2100));
    player.advance(at(2160));
    assert_eq!(player.phase(), Phase::Riding);
    assert_eq!(player.ridden(), at(1040));
    assert_eq!(
        (player.target_power(), player.segment_index()),
        (None, None)
    );
}

#[test]
fn pauses_do_not_count() {
    let mut player = riding();
    player.pause(at(10));
    player.advance(at(70));
    assert_eq!((player.phase(), player.ridden()), (Phase::Paused, at(10)));
    player.apply(RideCommand::Toggle, at(100));
    player.apply(RideCommand::Toggle, at(105));
    assert_eq!((player.phase(), player.ridden()), (Phase::Paused, at(15)));
}

#[test]
fn skip_and_back_move_the_place_and_not_the_time_ridden() {
    use RideCommand::{Back, Skip};
    for (start, command, expected) in [
        (10, Skip, 600),
        (600, Skip, 660),
        (979, Skip, 980),
        (10, Back, 0),
        (1, Back, 0),
        (602, Back, 0),
        (603, Back, 600),
        (980, Back, 860),
    ] {
        let mut player = riding();
        player.advance(at(start));
        player.apply(command, at(start));
        assert_eq!(player.position(), at(expected), "{command:?} at {start}");
        assert_eq!(player.ridden(), at(start));
    }
}

#[test]
fn back_after_the_end_waits_for_the_athlete() {
    let mut player = riding();
    player.advance(at(980));
    player.back(at(990));
    assert_eq!(player.phase(), Phase::Paused);
    player.start(at(990));
    player.advance(at(1110));
    assert_eq!(player.phase(), Phase::Complete);
}

#[test]
fn intensity_changes_targets_and_stays_within_its_bounds() {
    for (percent, intensity, target) in [
        (0, 100, 240),
        (5, 105, 252),
        (-1, 99, 238),
        (300, 150, 360),
        (i16::MIN, 50, 120),
    ] {
        let mut player = riding();
        player.skip(at(1));
        player.apply(RideCommand::Intensity { percent }, at(1));
        assert_eq!(player.intensity(), intensity);
        assert_eq!(player.target_power(), Some(target), "{percent}");
    }
}

#[test]
fn the_words_for_what_is_next_follow_the_intensity() {
    let mut player = riding();
    player.change_intensity(10);
    assert_eq!(player.next().as_deref(), Some("Next: 1:00 at 264 W"));
}

#[test]
fn a_cue_stands_for_its_time() {
    for (second, cue) in [
        (4, None),
        (5, Some("Settle in")),
        (14, Some("Settle in")),
        (15, None),
    ] {
        let mut player = riding();
        player.advance(at(second));
        assert_eq!(player.cue(), cue, "at {second}");
    }
}

#[test]
fn cadence_is_asked_for_where_the_workout_does() {
    let mut player = riding();
    assert_eq!(player.target_cadence(), None);
    player.skip(at(0));
    assert_eq!(
        player.target_cadence(),
        Some(Cadence { low: 95, high: 105 })
    );
}

#[test]
fn a_free_ride_has_time_and_nothing_else() {
    let mut player = Player::new(None, 200);
    player.start(Duration::ZERO);
    player.apply(RideCommand::Skip, at(5));
    player.apply(RideCommand::Back, at(6));
    player.advance(at(3600));
    assert_eq!((player.phase(), player.ridden()), (Phase::Riding, at(3600)));
    assert_eq!(
        (player.segment_index(), player.target_power()),
        (None, None)
    );
    assert_eq!((player.workout_left(), player.next()), (None, None));
}

#[test]
fn a_player_goes_on_where_a_ride_ended() {
    let new = || Player::new(Some(&workout()), 200);
    let player = new().resume_at(at(700), at(650));
    assert_eq!((player.phase(), player.ridden()), (Phase::Paused, at(650)));
    assert_eq!(player.segment_index(), Some(3));
    assert_eq!(new().resume_at(at(980), at(980)).phase(), Phase::Complete);
    assert_eq!(
        Player::new(None, 200).resume_at(at(50), at(50)).phase(),
        Phase::Paused
    );
}

#[test]
fn a_clock_that_stands_or_goes_back_changes_nothing() {
    let mut player = riding();
    player.advance(at(100));
    player.advance(at(40));
    player.advance(at(100));
    assert_eq!(player.ridden(), at(100));
}
