use rustyfit::Decoder;
use rustyfit::profile::mesgdef::{DeviceInfo, Event, Lap, Record, Session};
use rustyfit::profile::typedef::{EventType, MesgNum};

use super::*;
use crate::journal::{RideEvent, Sample, TimedEvent};
use crate::testing::{header, moment};

fn sample(second: u32, at: i64) -> Sample {
    Sample {
        second,
        at: moment(at),
        position: second,
        power: Some(200),
        target: Some(200),
        cadence: Some(90),
        heart_rate: Some(140),
        speed: Some(10.0),
    }
}

fn event(event: RideEvent, second: u32, at: i64) -> TimedEvent {
    TimedEvent {
        event,
        at: moment(at),
        second,
    }
}

fn ride(samples: Vec<Sample>, events: Vec<TimedEvent>) -> RecordedRide {
    RecordedRide {
        header: header(),
        samples,
        events,
    }
}

fn steady(seconds: u32) -> Vec<Sample> {
    (0..seconds)
        .map(|second| sample(second, i64::from(second) + 1))
        .collect()
}

fn read(bytes: &[u8]) -> Vec<Message> {
    let mut reader = bytes;
    let fit = Decoder::new().decode(&mut reader).unwrap().unwrap();
    assert!(reader.is_empty(), "one sequence, whole");
    fit.messages
}

fn of<T: for<'a> From<&'a Message>>(messages: &[Message], kind: MesgNum) -> Vec<T> {
    messages
        .iter()
        .filter(|message| message.num == kind)
        .map(T::from)
        .collect()
}

fn unix(times: &[Event]) -> Vec<(EventType, i64)> {
    let start = moment(0).as_second();
    times
        .iter()
        .map(|event| {
            (
                event.event_type,
                event.timestamp.unix_timestamp().unwrap() - start,
            )
        })
        .collect()
}

#[test]
fn what_is_written_is_read_back() {
    let messages = read(&encode(&ride(steady(3600), vec![])).unwrap());
    let records: Vec<Record> = of(&messages, MesgNum::RECORD);
    assert_eq!(records.len(), 3600);
    let last = &records[3599];
    assert_eq!(
        last.timestamp.unix_timestamp(),
        Some(moment(3600).as_second())
    );
    assert_eq!((last.power, last.cadence, last.heart_rate), (200, 90, 140));
    assert_eq!((last.speed, last.distance), (10_000, 3_600_000));

    let sessions: Vec<Session> = of(&messages, MesgNum::SESSION);
    let session = &sessions[0];
    assert_eq!(sessions.len(), 1);
    assert_eq!(
        (session.sport, session.sub_sport.0),
        (typedef::Sport::CYCLING, 6)
    );
    assert_eq!(
        (session.total_timer_time, session.total_elapsed_time),
        (3_600_000, 3_600_000)
    );
    assert_eq!(
        (
            session.avg_power,
            session.max_power,
            session.normalized_power
        ),
        (200, 200, 200)
    );
    assert_eq!(
        (session.intensity_factor, session.training_stress_score),
        (1000, 1000)
    );
    assert_eq!(
        (session.total_work, session.total_distance),
        (720_000, 3_600_000)
    );
    assert_eq!((session.threshold_power, session.num_laps), (200, 1));
    assert_eq!(messages.last().unwrap().num, MesgNum::ACTIVITY);
}

#[test]
fn the_same_ride_gives_the_same_bytes() {
    let ride = ride(steady(500), vec![event(RideEvent::Step, 100, 100)]);
    assert_eq!(encode(&ride).unwrap(), encode(&ride.clone()).unwrap());
}

#[test]
fn pauses_and_deaths_stop_the_timer() {
    let mut samples = steady(10);
    samples.extend((10..20).map(|second| sample(second, i64::from(second) + 61)));
    samples.extend((20..30).map(|second| sample(second, i64::from(second) + 501)));
    let events = vec![
        event(RideEvent::Pause, 10, 10),
        event(RideEvent::Resume, 10, 70),
        event(RideEvent::Recovered, 20, 400),
        event(RideEvent::Resume, 20, 520),
        event(RideEvent::Pause, 30, 540),
    ];
    let messages = read(&encode(&ride(samples, events)).unwrap());
    let (start, stop) = (EventType::START, EventType::STOP_ALL);
    assert_eq!(
        unix(&of(&messages, MesgNum::EVENT)),
        [
            (start, 0),
            (stop, 10),
            (start, 70),
            (stop, 80),
            (start, 520),
            (stop, 530)
        ]
    );
    let session: &Session = &of(&messages, MesgNum::SESSION)[0];
    assert_eq!(
        (session.total_timer_time, session.total_elapsed_time),
        (30_000, 530_000)
    );
}

#[test]
fn every_segment_is_a_lap_and_laps_add_up_to_the_session() {
    // Two skips within one second are one lap; a step at the very end is none.
    let steps =
        [60, 90, 90, 150, 200].map(|second| event(RideEvent::Step, second, i64::from(second)));
    let messages = read(&encode(&ride(steady(200), steps.to_vec())).unwrap());
    let laps: Vec<Lap> = of(&messages, MesgNum::LAP);
    let lengths: Vec<u32> = laps.iter().map(|lap| lap.total_timer_time / 1000).collect();
    assert_eq!(lengths, [60, 30, 60, 50]);
    let session: &Session = &of(&messages, MesgNum::SESSION)[0];
    assert_eq!(session.num_laps, 4);
    assert_eq!(
        laps.iter().map(|lap| lap.total_elapsed_time).sum::<u32>(),
        session.total_elapsed_time
    );
    assert_eq!(
        laps.iter().map(|lap| lap.total_distance).sum::<u32>(),
        session.total_distance
    );
    for pair in laps.windows(2) {
        assert_eq!(pair[0].timestamp, pair[1].start_time);
    }
    let place = |kind, nth| {
        messages
            .iter()
            .enumerate()
            .filter(|(_, m)| m.num == kind)
            .nth(nth)
            .unwrap()
            .0
    };
    assert!(place(MesgNum::RECORD, 59) < place(MesgNum::LAP, 0));
    assert!(place(MesgNum::LAP, 0) < place(MesgNum::RECORD, 60));
    assert!(place(MesgNum::LAP, 3) < place(MesgNum::SESSION, 0));
}

#[test]
fn nothing_and_almost_nothing_are_files_too() {
    for seconds in [0, 1] {
        let messages = read(&encode(&ride(steady(seconds), vec![])).unwrap());
        assert_eq!(
            of::<Record>(&messages, MesgNum::RECORD).len(),
            seconds as usize
        );
        assert_eq!(of::<Lap>(&messages, MesgNum::LAP).len(), 1);
        let session: &Session = &of(&messages, MesgNum::SESSION)[0];
        assert_eq!(session.total_timer_time, seconds * 1000);
    }
}

#[test]
fn what_was_not_measured_is_left_out() {
    let mut samples = steady(3);
    samples[1] = Sample {
        power: None,
        cadence: None,
        heart_rate: None,
        speed: None,
        ..samples[1]
    };
    let records: Vec<Record> = of(
        &read(&encode(&ride(samples, vec![])).unwrap()),
        MesgNum::RECORD,
    );
    assert_eq!((records[1].power, records[1].cadence), (u16::MAX, u8::MAX));
    assert_eq!(
        (records[1].heart_rate, records[1].speed),
        (u8::MAX, u16::MAX)
    );
    assert_eq!(records[2].power, 200);
}

#[test]
fn a_simulated_trainer_is_named_as_one() {
    for (name, simulated, expected) in [
        ("Simulated trainer", true, "Simulated trainer"),
        ("KICKR", true, "KICKR (simulated)"),
        ("KICKR", false, "KICKR"),
    ] {
        let mut ride = ride(steady(1), vec![]);
        ride.header.trainer = name.into();
        ride.header.simulated = simulated;
        let devices: Vec<DeviceInfo> = of(&read(&encode(&ride).unwrap()), MesgNum::DEVICE_INFO);
        assert_eq!(&*devices[1].product_name, expected);
        assert!(
            devices
                .iter()
                .all(|d| d.manufacturer == typedef::Manufacturer::DEVELOPMENT)
        );
    }
}

#[test]
fn long_and_strange_names_still_make_a_file() {
    let mut ride = ride(steady(1), vec![]);
    if let Some(workout) = &mut ride.header.workout {
        workout.name = format!("a\0{}", "héé🚴".repeat(100));
    }
    ride.header.trainer = String::new();
    let messages = read(&encode(&ride).unwrap());
    let names: Vec<mesgdef::Workout> = of(&messages, MesgNum::WORKOUT);
    assert!(names[0].wkt_name.starts_with("ahéé🚴") && names[0].wkt_name.len() <= LONGEST_TEXT);
}
