//! What the unit tests share: small workouts, and a journal in memory that fails when told to.

use std::collections::BTreeMap;
use std::sync::Mutex;

use freewheel_workout::{Cadence, Cue, Effort, IntervalPart, Step, Workout};
use jiff::Timestamp;
use uuid::Uuid;

use crate::journal::{
    FinishedRide, Journal, JournalError, RecordedRide, RideHeader, Sample, TimedEvent,
};

/// 10:00 ramp 40 → 80 %, 2 × (1:00 at 120 %, 0:30 at 40 %), 1:00 free, 0:20 all out, 2:00 at 50 %.
pub(crate) fn workout() -> Workout {
    let step = |effort| Step {
        effort,
        cues: Vec::new(),
    };
    let part = |seconds, power, cadence| IntervalPart {
        seconds,
        from: power,
        to: power,
        cadence,
    };
    let fast = Cadence { low: 95, high: 105 };
    let mut steps = vec![
        step(Effort::Ramp {
            seconds: 600,
            from: 0.4,
            to: 0.8,
            cadence: None,
        }),
        step(Effort::Intervals {
            repeat: 2,
            on: part(60, 1.2, Some(fast)),
            off: part(30, 0.4, None),
        }),
        step(Effort::FreeRide {
            seconds: 60,
            cadence: None,
        }),
        step(Effort::MaxEffort {
            seconds: 20,
            cadence: None,
        }),
        step(Effort::Steady {
            seconds: 120,
            power: 0.5,
            cadence: None,
        }),
    ];
    steps[0].cues.push(Cue {
        at: 5,
        seconds: 10,
        text: "Settle in".into(),
    });
    Workout {
        name: "Two short ones".into(),
        author: None,
        description: String::new(),
        tags: Vec::new(),
        steps,
    }
}

pub(crate) fn moment(second: i64) -> Timestamp {
    Timestamp::from_second(1_760_000_000 + second).unwrap()
}

pub(crate) fn header() -> RideHeader {
    RideHeader {
        id: Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_1234_5678),
        started_at: moment(0),
        name: "Two short ones".into(),
        workout: Some(workout()),
        workout_id: None,
        plan_item_id: None,
        ftp_watts: 200,
        trainer: "Simulated trainer".into(),
        simulated: true,
    }
}

#[derive(Default)]
struct Kept {
    header: Option<RideHeader>,
    samples: BTreeMap<u32, Sample>,
    events: Vec<TimedEvent>,
    finished: Vec<FinishedRide>,
    failing: bool,
    appends: usize,
}

#[derive(Default)]
pub(crate) struct MemoryJournal(Mutex<Kept>);

impl MemoryJournal {
    pub(crate) fn fail(&self, failing: bool) {
        self.0.lock().unwrap().failing = failing;
    }

    pub(crate) fn finished(&self) -> Vec<FinishedRide> {
        self.0.lock().unwrap().finished.clone()
    }

    pub(crate) fn appends(&self) -> usize {
        self.0.lock().unwrap().appends
    }

    fn kept(&self) -> Result<std::sync::MutexGuard<'_, Kept>, JournalError> {
        let kept = self.0.lock().unwrap();
        if kept.failing {
            return Err(JournalError("no space left on device".into()));
        }
        Ok(kept)
    }
}

impl Journal for MemoryJournal {
    fn begin(&self, header: &RideHeader) -> Result<(), JournalError> {
        let mut kept = self.kept()?;
        assert!(kept.header.is_none(), "a ride is opened once");
        kept.header = Some(header.clone());
        Ok(())
    }

    fn append(
        &self,
        _: Uuid,
        samples: &[Sample],
        events: &[TimedEvent],
    ) -> Result<(), JournalError> {
        let mut kept = self.kept()?;
        assert!(
            kept.header.is_some(),
            "a ride is opened before it is written"
        );
        kept.appends += 1;
        for sample in samples {
            kept.samples.entry(sample.second).or_insert(*sample);
        }
        kept.events.extend(events);
        Ok(())
    }

    fn load(&self, ride: Uuid) -> Result<RecordedRide, JournalError> {
        let kept = self.kept()?;
        match &kept.header {
            Some(header) if header.id == ride => Ok(RecordedRide {
                header: header.clone(),
                samples: kept.samples.values().copied().collect(),
                events: kept.events.clone(),
            }),
            _ => Err(JournalError("no such ride".into())),
        }
    }

    fn finish(&self, ride: &FinishedRide) -> Result<(), JournalError> {
        self.kept()?.finished.push(ride.clone());
        Ok(())
    }
}
