//! Laps and the session: totals of a part of the ride, and of the whole.

use jiff::Timestamp;
use rustyfit::profile::{mesgdef, typedef};
use rustyfit::proto::Message;

use super::times::Times;
use crate::journal::{RecordedRide, RideEvent, RideSummary, Sample};
use crate::rounding::{count, to_u16, to_u32};
use crate::summary::totals;

/// A stretch of the ride. Parts follow each other without gaps; a pause belongs to the part that it
/// interrupts, or to the one after it.
pub(super) struct Part<'a> {
    pub(super) samples: &'a [Sample],
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    summary: RideSummary,
}

impl<'a> Part<'a> {
    pub(super) fn whole(ride: &'a RecordedRide) -> Self {
        Self::new(&ride.samples, ride.header.started_at, ride.header.ftp_watts)
    }

    fn new(samples: &'a [Sample], start: Timestamp, ftp_watts: u16) -> Self {
        let end = samples.last().map_or(start, |last| last.at);
        let summary = totals(samples, start, end, ftp_watts);
        Self {
            samples,
            start,
            end,
            summary,
        }
    }

    pub(super) fn timer_milliseconds(&self) -> u32 {
        self.summary.seconds.saturating_mul(1000)
    }

    fn elapsed_milliseconds(&self) -> u32 {
        let elapsed = self.end.duration_since(self.start).as_millis();
        u32::try_from(elapsed.max(0))
            .unwrap_or(u32::MAX)
            .max(self.timer_milliseconds())
    }

    fn joules(&self) -> Option<u32> {
        self.summary.work_kj.map(|kj| to_u32(kj * 1000.0))
    }

    fn speeds(&self) -> impl Iterator<Item = f64> {
        self.samples
            .iter()
            .filter_map(|sample| sample.speed)
            .map(f64::from)
    }

    fn max_cadence(&self) -> Option<u8> {
        self.samples
            .iter()
            .filter_map(|sample| sample.cadence)
            .max()
    }
}

/// A lap for every segment that was ridden for at least a second; one for a ride without samples.
pub(super) fn laps(ride: &RecordedRide) -> Vec<Part<'_>> {
    let mut laps = Vec::new();
    let mut rest = ride.samples.as_slice();
    let mut start = ride.header.started_at;
    for step in ride
        .events
        .iter()
        .filter(|event| event.event == RideEvent::Step)
    {
        let (before, after) =
            rest.split_at(rest.partition_point(|sample| sample.second < step.second));
        if !before.is_empty() && !after.is_empty() {
            let lap = Part::new(before, start, ride.header.ftp_watts);
            start = lap.end;
            rest = after;
            laps.push(lap);
        }
    }
    laps.push(Part::new(rest, start, ride.header.ftp_watts));
    laps
}

/// Sets the fields that laps and sessions have in common.
macro_rules! set_totals {
    ($message:ident, $part:expr, $times:expr) => {
        let part: &Part = $part;
        $message.timestamp = $times.of(part.end);
        $message.start_time = $times.of(part.start);
        $message.event_type = typedef::EventType::STOP;
        $message.sport = typedef::Sport::CYCLING;
        $message.sub_sport = typedef::SubSport::INDOOR_CYCLING;
        $message.total_elapsed_time = part.elapsed_milliseconds();
        $message.total_timer_time = part.timer_milliseconds();
        let summary = &part.summary;
        set(&mut $message.avg_power, summary.average_power);
        set(&mut $message.max_power, summary.max_power);
        set(&mut $message.normalized_power, summary.normalized_power);
        set(&mut $message.avg_cadence, summary.average_cadence);
        set(&mut $message.max_cadence, part.max_cadence());
        set(&mut $message.avg_heart_rate, summary.average_heart_rate);
        set(&mut $message.max_heart_rate, summary.max_heart_rate);
        set(&mut $message.total_work, part.joules());
        let metres: f64 = part.speeds().sum();
        $message.total_distance = to_u32(metres * 100.0);
        if let Some(fastest) = part.speeds().reduce(f64::max) {
            $message.max_speed = to_u16(fastest * 1000.0);
            $message.avg_speed = to_u16(metres * 1000.0 / f64::from(summary.seconds.max(1)));
        }
    };
}

pub(super) fn lap(part: &Part, index: usize, is_last: bool, times: Times) -> Message {
    let mut lap = mesgdef::Lap::new();
    set_totals!(lap, part, times);
    lap.message_index = typedef::MessageIndex(u16::try_from(index).unwrap_or(u16::MAX));
    lap.event = typedef::Event::LAP;
    lap.lap_trigger = if is_last {
        typedef::LapTrigger::SESSION_END
    } else {
        typedef::LapTrigger::TIME
    };
    lap.into()
}

pub(super) fn session(whole: &Part, ftp_watts: u16, laps: usize, times: Times) -> Message {
    let mut session = mesgdef::Session::new();
    set_totals!(session, whole, times);
    session.message_index = typedef::MessageIndex(0);
    session.event = typedef::Event::SESSION;
    session.trigger = typedef::SessionTrigger::ACTIVITY_END;
    session.first_lap_index = 0;
    session.num_laps = u16::try_from(count(laps)).unwrap_or(u16::MAX);
    session.threshold_power = ftp_watts;
    let summary = &whole.summary;
    set(
        &mut session.intensity_factor,
        summary.intensity_factor.map(|f| to_u16(f * 1000.0)),
    );
    set(
        &mut session.training_stress_score,
        summary.tss.map(|tss| to_u16(tss * 10.0)),
    );
    session.into()
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}
