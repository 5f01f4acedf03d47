//! A row and the code that makes it happen.

use futures_util::future::LocalBoxFuture;

use super::report::Findings;
use super::row::Row;
use super::stage::Stage;
use crate::LabError;
use crate::site::Settings;

/// Something that is done on the stage.
type Act = Box<dyn for<'a> Fn(&'a mut Stage) -> LocalBoxFuture<'a, Result<(), LabError>>>;
/// Something that is looked at while the failure lasts.
type Look = Box<
    dyn for<'a> Fn(&'a mut Stage, &'a mut Findings) -> LocalBoxFuture<'a, Result<(), LabError>>,
>;

/// A row and the code that makes it happen.
pub struct Play {
    /// What its text file says.
    pub row: Row,
    pub(super) world: Box<dyn Fn(&mut Settings)>,
    pub(super) computer: Act,
    pub(super) inject: Act,
    pub(super) look: Look,
    pub(super) heal: Act,
}

impl Play {
    /// A row from the text of its file, and what makes the failure. Unless told otherwise the server is as usual, the
    /// computer has a key file for a vault, and [`Stage::all_well`] is the cure.
    ///
    /// # Errors
    /// The text is not a row's.
    pub fn new(
        text: &str,
        inject: impl AsyncFn(&mut Stage) -> Result<(), LabError> + Copy + 'static,
    ) -> Result<Self, LabError> {
        Ok(Self {
            row: Row::read(text)?,
            world: Box::new(|_| {}),
            computer: act(async |_| Ok(())),
            inject: act(inject),
            look: Box::new(|_, _| Box::pin(async { Ok(()) })),
            heal: act(async |stage| stage.all_well().await),
        })
    }

    /// How the server differs from the usual one.
    #[must_use]
    pub fn world(mut self, change: impl Fn(&mut Settings) + 'static) -> Self {
        self.world = Box::new(change);
        self
    }

    /// What is done to the computer before the app is opened on it for the first time.
    #[must_use]
    pub fn computer(
        mut self,
        change: impl AsyncFn(&mut Stage) -> Result<(), LabError> + Copy + 'static,
    ) -> Self {
        self.computer = act(change);
        self
    }

    /// What else must be so while the failure lasts.
    #[must_use]
    pub fn look(
        mut self,
        look: impl AsyncFn(&mut Stage, &mut Findings) -> Result<(), LabError> + Copy + 'static,
    ) -> Self {
        self.look =
            Box::new(move |stage, findings| Box::pin(async move { look(stage, findings).await }));
        self
    }

    /// What ends the failure.
    #[must_use]
    pub fn heal(
        mut self,
        heal: impl AsyncFn(&mut Stage) -> Result<(), LabError> + Copy + 'static,
    ) -> Self {
        self.heal = act(heal);
        self
    }
}

fn act(act: impl AsyncFn(&mut Stage) -> Result<(), LabError> + Copy + 'static) -> Act {
    Box::new(move |stage| Box::pin(async move { act(stage).await }))
}

/// A [`Play`] from the name of its file in `crates/lab/scenarios`, without its ending.
macro_rules! play {
    ($file:literal, $inject:expr) => {
        $crate::scenario::Play::new(
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/scenarios/",
                $file,
                ".toml"
            )),
            $inject,
        )
    };
}
pub(super) use play;
