//! The two issuers, each behind a gate.

use std::path::Path;
use std::time::Duration;

use freewheel_lab::peer::{Peer, PeerOptions};
use freewheel_lab::peer_gate::{Gate, Moment, Reached, Stopped};
use freewheel_lab::server::ServerProcess;
use freewheel_lab::session_probe::Probe;
use freewheel_lab::sign_in_page::{self, foreign};
use freewheel_policy::session::CredentialState;
use freewheel_policy::transport::Trouble;

use crate::point::{At, Flow, Spot};

/// How long what has to come to the gate may take.
const COMES: Duration = Duration::from_secs(30);

/// An issuer.
pub enum Issuer {
    Own { _server: ServerProcess, gate: Gate },
    Strict(Peer),
}

impl Issuer {
    /// Our own server over a folder in `place`.
    pub async fn own(place: &Path) -> Self {
        let gate = Gate::open().await.unwrap();
        let data = place.join("server");
        let arguments = ["--dev", "--public-url", gate.url()];
        let server = ServerProcess::start(&data, None, &arguments).await.unwrap();
        gate.lead_to(server.url());
        Self::Own {
            _server: server,
            gate,
        }
    }

    /// The provider, with its logs in `place`.
    pub async fn strict(place: &Path) -> Self {
        Self::Strict(Peer::start(place, PeerOptions::default()).await.unwrap())
    }

    pub fn at(&self) -> At {
        match self {
            Self::Own { .. } => At::Own,
            Self::Strict(_) => At::Strict,
        }
    }

    pub fn gate(&self) -> &Gate {
        match self {
            Self::Own { gate, .. } => gate,
            Self::Strict(peer) => peer.gate(),
        }
    }

    /// How many events the provider has told; our own server tells none.
    pub fn told(&self) -> usize {
        match self {
            Self::Own { .. } => 0,
            Self::Strict(peer) => peer.events().len(),
        }
    }

    /// Whether the provider has, since it had told `known` events, made new tokens and then seen the old one again.
    pub fn saw_reuse(&self, known: usize) -> bool {
        let Self::Strict(peer) = self else {
            return false;
        };
        let events = peer.events().split_off(known);
        let renewed = events.iter().position(|event| {
            event.event == "grant.success" && event.grant_type.as_deref() == Some("refresh_token")
        });
        renewed.is_some_and(|renewed| {
            let mut later = events[renewed..].iter();
            later.any(|event| event.detail.as_deref() == Some("refresh token already used"))
        })
    }

    /// The address at which clients know it.
    pub fn url(&self) -> &str {
        self.gate().url()
    }

    /// Whether the session works in this state. The provider has no library, and a resident client that asked it for one
    /// says so.
    pub fn works(&self, state: &CredentialState) -> bool {
        let no_library = CredentialState::Offline(Trouble::Status(404));
        *state == CredentialState::Active || self.at() == At::Strict && *state == no_library
    }

    /// The athlete signs in at `url` and allows it.
    pub async fn browse(&self, url: &str) {
        browse(self.at(), url).await;
    }

    /// The same, while the test goes on.
    pub fn browse_in_background(&self, url: String) {
        let at = self.at();
        tokio::spawn(async move { browse(at, &url).await });
    }

    /// How the gate's log names the request that brings tokens.
    pub fn token_request(&self, flow: Flow) -> String {
        let path = match self {
            Self::Own { .. } => "/oauth/token",
            Self::Strict(_) => "/token",
        };
        let grant = match flow {
            Flow::Renewal => "refresh_token",
            Flow::SignIn | Flow::SignInAgain => "authorization_code",
        };
        format!("POST {path} {grant}")
    }

    /// How far the request that brings tokens got.
    pub fn reached(&self, flow: Flow) -> Option<Reached> {
        self.gate().reached(&self.token_request(flow))
    }

    /// Kills the client at a moment of the request that brings tokens, once `begin` has brought it on its way. Gives the
    /// request that is to come late.
    pub async fn kill_at(
        &self,
        spot: Spot,
        delay: Duration,
        flow: Flow,
        probe: &mut Probe,
        begin: impl AsyncFnOnce(&mut Probe),
    ) -> Option<Stopped> {
        let moment = match spot {
            Spot::Browsing | Spot::Asked | Spot::AskedLate | Spot::Issuing => Moment::Asked,
            Spot::Answered | Spot::Saving => Moment::Answered,
        };
        let mut stops = self.gate().stop(&self.token_request(flow), moment);
        begin(probe).await;
        if spot == Spot::Browsing {
            pause(delay).await;
            probe.kill9();
            return None;
        }
        let stopped = stops.next("the request for tokens", COMES).await.unwrap();
        match spot {
            Spot::Issuing | Spot::Saving => {
                stopped.let_go();
                pause(delay).await;
                probe.kill9();
                None
            }
            Spot::Browsing | Spot::Asked | Spot::Answered => {
                probe.kill9();
                stopped.cut();
                None
            }
            Spot::AskedLate => {
                probe.kill9();
                Some(stopped)
            }
        }
    }
}

async fn browse(at: At, url: &str) {
    // The client may be dead when the browser comes back to it.
    match at {
        At::Own => drop(sign_in_page::complete(url, "demo", "demo").await),
        At::Strict => drop(foreign::complete(url, "anna", foreign::Answer::Allow).await),
    }
}

/// Waits so long, to the microsecond as far as the system can; a timer of the runtime counts in milliseconds.
async fn pause(time: Duration) {
    let waited = tokio::task::spawn_blocking(move || std::thread::sleep(time));
    waited.await.unwrap();
}
