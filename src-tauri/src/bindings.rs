//! The TypeScript side of every type that crosses to the window, made from the Rust types.

use freewheel_ride::journal::RideSummary;
use freewheel_ride::view::{RideCommand, RideFrame, RideSaved, RideStart, RideState};
use freewheel_sync::settings as s;
use freewheel_sync::view as v;
use freewheel_workout as w;
use ts_rs::{Config, TS};

/// The whole of `ui/src/backend/bindings.ts`.
#[must_use]
pub fn render() -> String {
    let config = Config::default();
    let mut text =
        String::from("// Made from the Rust types by `cargo xtask bindings`. Do not edit.\n");
    macro_rules! add {
        ($($type:ty),+ $(,)?) => {$({
            text.push_str("\nexport ");
            text.push_str(&<$type as TS>::decl(&config));
            text.push('\n');
        })+};
    }
    add!(
        w::Cadence,
        w::Cue,
        w::Effort,
        w::IntervalPart,
        w::Segment,
        w::Step,
        w::Target,
        w::Workout,
        w::Zone,
        RideSummary,
        RideCommand,
        RideFrame,
        RideSaved,
        RideStart,
        RideState,
        s::BackgroundView,
        v::About,
        v::DataFact,
        v::Delivery,
        v::DeviceCodeView,
        v::ImportOutcome,
        v::LibraryFact,
        v::LibraryPage,
        v::LibraryQuery,
        v::LibrarySort,
        v::NetworkFact,
        v::OutboxRow,
        v::PlannedCard,
        v::RideCard,
        v::ServiceFact,
        v::ServiceState,
        v::SessionAction,
        v::SessionView,
        v::SyncView,
        v::TodayView,
        v::UnfinishedRide,
        v::UserError,
        v::WorkoutCard,
        v::WorkoutDetail,
    );
    text
}
