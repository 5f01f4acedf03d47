//! The ride itself: records, and between them the timer's events and the laps.

use jiff::Timestamp;
use rustyfit::profile::{mesgdef, typedef};
use rustyfit::proto::Message;

use super::times::Times;
use super::totals::{Part, lap};
use crate::journal::{RecordedRide, RideEvent, Sample, TimedEvent};
use crate::rounding::{to_u16, to_u32};

/// Everything between the head and the session, by time.
pub(super) fn messages(ride: &RecordedRide, laps: &[Part], times: Times) -> Vec<Message> {
    let mut timer = Timer::start(ride.header.started_at, times);
    let mut events = ride.events.iter().peekable();
    let mut laps = laps.iter().enumerate().peekable();
    let mut seconds_left_in_lap = laps.peek().map_or(0, |(_, part)| part.samples.len());
    let mut metres = 0.0;
    for sample in &ride.samples {
        // An event names the second that was in progress, so it stands before that second's sample.
        while let Some(event) = events.next_if(|event| event.second <= sample.second) {
            timer.event(event);
        }
        timer.sample(sample);
        metres += sample.speed.map_or(0.0, f64::from);
        timer.messages.push(record(sample, metres, times));
        seconds_left_in_lap = seconds_left_in_lap.saturating_sub(1);
        if seconds_left_in_lap == 0 {
            let ended = laps.next();
            match laps.peek() {
                Some((_, next)) => {
                    seconds_left_in_lap = next.samples.len();
                    timer
                        .messages
                        .extend(ended.map(|(index, part)| lap(part, index, false, times)));
                }
                None => timer.last_lap = ended,
            }
        }
    }
    let last_lap = timer.last_lap.take().or_else(|| laps.next());
    timer.stop(timer.latest);
    timer
        .messages
        .extend(last_lap.map(|(index, part)| lap(part, index, true, times)));
    timer.messages
}

/// The state of the timer, and what it led to.
struct Timer<'a> {
    running: bool,
    /// The last moment at which something was known to happen.
    latest: Timestamp,
    times: Times,
    messages: Vec<Message>,
    /// The lap that ends with the ride; it stands after the last stop of the timer.
    last_lap: Option<(usize, &'a Part<'a>)>,
}

impl Timer<'_> {
    fn start(at: Timestamp, times: Times) -> Self {
        Self {
            running: true,
            latest: at,
            times,
            messages: vec![timer_event(at, typedef::EventType::START, times)],
            last_lap: None,
        }
    }

    fn event(&mut self, event: &TimedEvent) {
        match event.event {
            RideEvent::Pause => self.stop(event.at),
            // Nothing is known of the time since the last sample: that is where riding ended.
            RideEvent::Recovered => self.stop(self.latest),
            RideEvent::Resume => self.go_on(event.at),
            RideEvent::Step => {}
        }
        self.latest = self.latest.max(event.at);
    }

    fn sample(&mut self, sample: &Sample) {
        self.go_on(self.latest);
        self.latest = self.latest.max(sample.at);
    }

    fn stop(&mut self, at: Timestamp) {
        if std::mem::take(&mut self.running) {
            self.messages
                .push(timer_event(at, typedef::EventType::STOP_ALL, self.times));
        }
    }

    fn go_on(&mut self, at: Timestamp) {
        if !std::mem::replace(&mut self.running, true) {
            self.messages
                .push(timer_event(at, typedef::EventType::START, self.times));
        }
    }
}

fn timer_event(at: Timestamp, kind: typedef::EventType, times: Times) -> Message {
    let mut event = mesgdef::Event::new();
    event.timestamp = times.of(at);
    event.event = typedef::Event::TIMER;
    event.event_type = kind;
    event.data = 0; // timer trigger: manual
    event.into()
}

fn record(sample: &Sample, metres: f64, times: Times) -> Message {
    let mut record = mesgdef::Record::new();
    record.timestamp = times.of(sample.at);
    record.distance = to_u32(metres * 100.0);
    if let Some(power) = sample.power {
        record.power = power;
    }
    if let Some(cadence) = sample.cadence {
        record.cadence = cadence;
    }
    if let Some(heart_rate) = sample.heart_rate {
        record.heart_rate = heart_rate;
    }
    if let Some(speed) = sample.speed {
        record.speed = to_u16(f64::from(speed) * 1000.0);
    }
    record.into()
}
