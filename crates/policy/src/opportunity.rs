//! Which events of the outside are worth an attempt, and which are not.
//!
//! An event that has no news of the network or the service never cuts a backoff short (a laptop whose lid is opened every
//! minute would else retry every minute); it only moves a lane that nothing holds back.

use crate::lane::{Lane, LanePlan, PlanReason};
use crate::time::{Millis, WallMs};

/// A library that was found fresh less than this ago is not asked for again when somebody looks at the window.
pub const FRESH: Millis = Millis::mins(5);

/// Whether a lane looks for news because the athlete looks at the window: only the library's does, when it is idle and was
/// not confirmed within [`FRESH`]. A confirmation in the future is a clock that was ahead, and counts for nothing.
#[must_use]
pub fn looks_on_focus(
    lane: Lane,
    plan: Option<&LanePlan>,
    confirmed: Option<WallMs>,
    now: WallMs,
) -> bool {
    let idle = plan.is_none_or(|plan| plan.reason == PlanReason::Idle);
    let stale = confirmed.is_none_or(|at| at > now || at.plus(FRESH) <= now);
    lane == Lane::Library && idle && stale
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backoff::Policy;

    const NOW: WallMs = WallMs(1_800_000_000_000);

    fn plan(reason: PlanReason) -> LanePlan {
        LanePlan {
            made: NOW,
            due: Some(NOW),
            reason,
            policy: Policy::Background,
        }
    }

    #[test]
    fn a_look_at_the_window_asks_for_a_stale_library_and_for_nothing_else() {
        let idle = plan(PlanReason::Idle);
        let ago = |age: i64| Some(WallMs(NOW.0 - age));
        let five = FRESH.0 as i64;
        for (confirmed, looks) in [
            (None, true),
            (ago(five), true),
            (ago(five - 1), false),
            (ago(0), false),
            (ago(-1), true),
        ] {
            assert_eq!(
                looks_on_focus(Lane::Library, Some(&idle), confirmed, NOW),
                looks,
                "{confirmed:?}"
            );
        }
        assert!(looks_on_focus(Lane::Library, None, None, NOW));
        for lane in Lane::ALL {
            assert_eq!(
                looks_on_focus(lane, Some(&idle), None, NOW),
                lane == Lane::Library
            );
        }
    }

    #[test]
    fn what_holds_a_lane_back_goes_on_holding_it_back() {
        for reason in [
            PlanReason::Backoff,
            PlanReason::RetryAfter,
            PlanReason::Budget,
            PlanReason::NoNetwork,
            PlanReason::NoSession,
            PlanReason::Returned,
            PlanReason::Work,
            PlanReason::SyncNow,
        ] {
            let held = plan(reason);
            assert!(
                !looks_on_focus(Lane::Library, Some(&held), None, NOW),
                "{reason:?}"
            );
        }
    }
}
