use proptest::prelude::*;

use super::*;
use crate::sim::SimulatedTrainer;
use crate::testing::{header, moment, workout};

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A trainer that measures what it was told to, and notes every setpoint.
#[derive(Default)]
struct Obedient {
    setpoints: Vec<Setpoint>,
    silent: bool,
}

impl Trainer for Obedient {
    fn name(&self) -> &str {
        "Obedient"
    }
    fn simulated(&self) -> bool {
        true
    }
    fn set(&mut self, setpoint: Setpoint, _: Option<u8>) {
        self.setpoints.push(setpoint);
    }
    fn read(&mut self, _: Duration) -> Reading {
        let power = match self.setpoints.last() {
            _ if self.silent => None,
            Some(Setpoint::Power(watts)) => Some(*watts),
            Some(Setpoint::Free) => Some(150),
            Some(Setpoint::Rest) | None => Some(0),
        };
        Reading {
            power,
            ..Reading::default()
        }
    }
}

fn started(trainer: &mut dyn Trainer) -> Recorder {
    let mut recorder = Recorder::new(Player::new(Some(&workout()), 200));
    recorder.begin(moment(0), Duration::ZERO);
    recorder.apply(RideCommand::Start, Duration::ZERO, trainer);
    recorder
}

#[test]
fn one_late_call_records_what_many_timely_ones_do() {
    let record = |calls: &[u64]| {
        let mut trainer = Obedient::default();
        let mut recorder = started(&mut trainer);
        for call in calls {
            recorder.advance(ms(*call), &mut trainer);
        }
        recorder.drain()
    };
    let timely: Vec<u64> = (0..=700).map(|second| second * 1000).collect();
    assert_eq!(record(&[700_000]), record(&timely));
    assert_eq!(record(&[700_000]).samples.len(), 700);
}

#[test]
fn a_sample_holds_the_second_that_led_to_it() {
    let mut trainer = Obedient::default();
    let mut recorder = started(&mut trainer);
    recorder.advance(ms(601_000), &mut trainer);
    let samples = recorder.drain().samples;
    let first = samples[0];
    assert_eq!((first.second, first.position, first.at), (0, 0, moment(1)));
    assert_eq!(
        (samples[599].target, samples[599].power),
        (Some(160), Some(160))
    );
    assert_eq!(
        (samples[600].position, samples[600].power),
        (600, Some(240))
    );
}

#[test]
fn steps_pauses_and_the_end_are_noted_at_their_moment() {
    use RideEvent::{Pause, Resume, Step};
    let mut trainer = Obedient::default();
    let mut recorder = started(&mut trainer);
    recorder.apply(RideCommand::Pause, ms(10_400), &mut trainer);
    recorder.apply(RideCommand::Start, ms(20_400), &mut trainer);
    recorder.apply(RideCommand::Skip, ms(30_000), &mut trainer);
    recorder.advance(ms(1_000_000), &mut trainer);
    recorder.apply(RideCommand::Start, ms(1_000_000), &mut trainer);
    let events: Vec<_> = recorder
        .drain()
        .events
        .iter()
        .map(|e| (e.event, e.second, e.at.as_second()))
        .collect();
    let second = |s| moment(s).as_second();
    assert_eq!(
        events,
        [
            (Pause, 10, second(10)),
            (Resume, 10, second(20)),
            (Step, 20, second(30)),
            (Step, 80, second(90)),
            (Step, 110, second(120)),
            (Step, 170, second(180)),
            (Step, 200, second(210)),
            (Step, 260, second(270)),
            (Step, 280, second(290)),
            (Pause, 400, second(410)),
            (Resume, 400, second(1000)),
            (Step, 400, second(1000)),
        ]
    );
}

#[test]
fn the_trainer_is_reminded_of_its_setpoint_and_rests_in_pauses() {
    let mut trainer = Obedient::default();
    let mut recorder = started(&mut trainer);
    recorder.apply(RideCommand::Skip, ms(0), &mut trainer);
    recorder.advance(ms(10_000), &mut trainer);
    let reminders = trainer
        .setpoints
        .iter()
        .filter(|s| **s == Setpoint::Power(240))
        .count();
    assert_eq!(reminders, 6);
    recorder.apply(RideCommand::Pause, ms(10_000), &mut trainer);
    assert_eq!(trainer.setpoints.last(), Some(&Setpoint::Rest));
}

#[test]
fn a_silent_sensor_leaves_gaps_in_the_numbers_and_none_in_the_seconds() {
    let mut trainer = Obedient {
        silent: true,
        ..Obedient::default()
    };
    let mut recorder = started(&mut trainer);
    recorder.advance(ms(30_000), &mut trainer);
    let samples = recorder.drain().samples;
    assert_eq!(samples.len(), 30);
    assert!(samples.iter().all(|sample| sample.power.is_none()));
    assert_eq!(recorder.shown().power, None);
}

#[test]
fn a_resumed_ride_goes_on_at_its_place_and_its_times_never_turn_back() {
    let mut trainer = SimulatedTrainer::new(1);
    let mut recorder = started(&mut trainer);
    recorder.apply(RideCommand::Skip, ms(5_000), &mut trainer);
    recorder.advance(ms(20_700), &mut trainer);
    let Recorded { samples, events } = recorder.drain();
    let ride = RecordedRide {
        header: header(),
        samples,
        events,
    };
    for (wall, expected) in [(moment(500), moment(500)), (moment(-900), moment(20))] {
        let player = Player::new(Some(&workout()), 200);
        let mut resumed = Recorder::resume(player, &ride, wall);
        assert_eq!(resumed.player().phase(), Phase::Paused);
        assert!((resumed.work_kj() - recorder.work_kj()).abs() < 1e-9);
        resumed.apply(RideCommand::Start, ms(0), &mut trainer);
        resumed.advance(ms(1_000), &mut trainer);
        let more = resumed.drain();
        let events: Vec<_> = more.events.iter().map(|e| (e.event, e.at)).collect();
        assert_eq!(
            events,
            [
                (RideEvent::Recovered, expected),
                (RideEvent::Resume, expected)
            ]
        );
        let sample = more.samples[0];
        assert_eq!((sample.second, sample.position), (20, 615));
        assert!(sample.at > ride.samples[19].at);
    }
}

fn command() -> impl Strategy<Value = RideCommand> {
    prop_oneof![
        Just(RideCommand::Start),
        Just(RideCommand::Pause),
        Just(RideCommand::Toggle),
        Just(RideCommand::Skip),
        Just(RideCommand::Back),
        (-200i16..200).prop_map(|percent| RideCommand::Intensity { percent }),
    ]
}

proptest! {
    #[test]
    fn no_sequence_of_commands_leaves_a_gap_or_turns_time_around(
        steps in prop::collection::vec((command(), 0u64..400_000), 1..40)
    ) {
        let mut trainer = SimulatedTrainer::new(3);
        let mut recorder = started(&mut trainer);
        let mut now = Duration::ZERO;
        let mut all = Recorded::default();
        for (command, wait) in steps {
            now += ms(wait);
            recorder.apply(command, now, &mut trainer);
            let recorded = recorder.drain();
            all.samples.extend(recorded.samples);
            all.events.extend(recorded.events);
        }
        let ridden = recorder.player().ridden();
        prop_assert!(ridden <= now);
        prop_assert_eq!(all.samples.len() as u64, ridden.as_secs());
        for (index, sample) in all.samples.iter().enumerate() {
            prop_assert_eq!(sample.second as usize, index);
        }
        for pair in all.samples.windows(2) {
            let apart = pair[1].at.duration_since(pair[0].at);
            prop_assert!(apart >= jiff::SignedDuration::from_secs(1), "{} apart", apart);
        }
        for pair in all.events.windows(2) {
            prop_assert!(pair[0].at <= pair[1].at && pair[0].second <= pair[1].second);
        }
    }
}
