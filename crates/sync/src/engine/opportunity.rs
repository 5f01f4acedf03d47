//! Chances that the outside gives: the computer wakes, the athlete looks at the window, the program is about to end.

use std::sync::Arc;
use std::time::Duration;

use freewheel_policy::lane::{Lane, LaneOutcome};
use freewheel_policy::opportunity::looks_on_focus;
use freewheel_policy::time::WallMs;
use tokio::sync::Notify;

use super::Engine;
use super::core::Core;
use super::wake::LANES;

/// What is due within this is as good as under way.
const SOON: Duration = Duration::from_secs(1);

impl Engine {
    /// The athlete looks at the window. Asks for nothing that is held back.
    pub async fn focused(&self) {
        self.core.look_for_news().await;
    }

    /// Before the program ends: waits, at most this long, for rides that are being sent or are about to be. What is held
    /// back (no network, a backoff, a sign-in) is not waited for: it is safe, and goes another day.
    pub async fn flush(&self, bound: Duration) {
        if !self.core.holds_lease() {
            return;
        }
        let mut views = self.view();
        let sent = async {
            loop {
                views.borrow_and_update();
                if !self.core.is_sending() || views.changed().await.is_err() {
                    return;
                }
            }
        };
        if tokio::time::timeout(bound, sent).await.is_err() {
            tracing::info!("what is still being sent goes on at the next start");
        }
    }
}

impl Core {
    async fn look_for_news(&self) {
        if !self.holds_lease() {
            return;
        }
        let (state, now) = (
            self.lane_state(Lane::Library).await,
            self.clock().now().wall,
        );
        let confirmed = state.last_success.map(WallMs);
        if looks_on_focus(Lane::Library, state.plan.as_ref(), confirmed, now) {
            self.wakes.of(Lane::Library).ring(LaneOutcome::More);
        }
    }

    /// Whether a ride is being sent, or is about to be.
    fn is_sending(&self) -> bool {
        let soon = self.clock().now().wall.0 + i64::try_from(SOON.as_millis()).unwrap_or(i64::MAX);
        let data = &self.view.borrow().data;
        let about_to = data.waiting > 0 && data.next_try.is_some_and(|at| at <= soon);
        self.business().1 || about_to
    }

    /// The time that was slept counts: what became due meanwhile is tried, and the links are looked at. A lane that waits
    /// counts on a clock that may have stood still.
    pub(super) async fn awake(&self) {
        if self.holds_lease() {
            self.observe_network().await;
            for lane in LANES {
                self.wakes.of(lane).look();
            }
            self.revoking.ring(false);
        }
        self.refresh_view();
    }
}

/// Hears the system wake from sleep.
pub(super) async fn hear_sleep(core: Arc<Core>) {
    let woken = Arc::new(Notify::new());
    let Some(_listening) = core.network.listen_to_sleep(Arc::clone(&woken)) else {
        return;
    };
    loop {
        woken.notified().await;
        tracing::info!("the computer woke from sleep");
        core.awake().await;
    }
}
