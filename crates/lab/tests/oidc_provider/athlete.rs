//! An athlete at the provider: a profile of its own, and the real engine on it.

use freewheel_lab::peer::Peer;
use freewheel_lab::rig::Rig;
use freewheel_lab::session_probe::Stored;
use freewheel_lab::sign_in_page::foreign::{self, Answer};
use freewheel_sync::{Engine, EngineError, Mode};

use crate::PATIENCE;

pub struct Athlete {
    pub engine: Engine,
    rig: Rig,
}

impl Athlete {
    /// Somebody whom nobody knows yet.
    pub async fn new() -> Self {
        let mut rig = Rig::new().unwrap();
        let engine = rig.launch(Mode::OneShot).await.unwrap();
        Self { engine, rig }
    }

    pub async fn signed_in(peer: &Peer) -> Self {
        let athlete = Self::new().await;
        athlete.sign_in(peer, Answer::Allow).await.unwrap();
        athlete
    }

    /// Signs in through the browser, with the answer given there.
    pub async fn sign_in(&self, peer: &Peer, answer: Answer) -> Result<String, EngineError> {
        let started = self.engine.sign_in(peer.url()).await?;
        foreign::complete(&started.url, "anna", answer)
            .await
            .unwrap();
        soon("the end of the sign-in", self.engine.sign_in_finished()).await
    }

    /// Renews the tokens; what came of it, as the engine tells it.
    pub async fn renew(&self) -> String {
        format!("{:?}", soon("a renewal", self.engine.renew()).await)
    }

    /// The state that the client believes itself to be in, with its cause.
    pub fn state(&self) -> String {
        self.stored().words()
    }

    pub fn generation(&self) -> u64 {
        self.stored().generation
    }

    fn stored(&self) -> Stored {
        Stored::read(self.rig.folder()).unwrap()
    }
}

pub async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(PATIENCE, work).await;
    done.unwrap_or_else(|_| panic!("{what} takes too long"))
}
