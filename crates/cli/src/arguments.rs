//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use freewheel_sync::version;
use freewheel_workout::Zone;
use jiff::civil::Date;
use uuid::Uuid;

/// Freewheel: indoor cycling that keeps rolling when the servers do not.
#[derive(Debug, Parser)]
#[command(name = "freewheel", version = version::LONG, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 done (also when offline), 1 failed, 2 usage.")]
pub struct Arguments {
    /// Profile folder [default: $FREEWHEEL_HOME, else the system's data folder]
    #[arg(long, value_name = "DIR", global = true)]
    pub home: Option<PathBuf>,
    /// One JSON document on standard output, errors as JSON on standard error
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Sign in through the browser, or with a code on another device; Ctrl-C cancels
    SignIn {
        /// Address of the server [default: the one that the app offers]
        #[arg(long, value_name = "URL")]
        server: Option<String>,
        /// Only print the address to open
        #[arg(long, conflicts_with = "device")]
        no_browser: bool,
        /// Print a code to type in a browser on another device, for a computer that has none
        #[arg(long)]
        device: bool,
    },
    /// Show the network, the service, your data and your account, as this computer knows them
    Status,
    /// Look for what keeps this profile from working, and say what to do; changes nothing
    Doctor,
    /// Deliver what waits and fetch what is new
    Sync {
        /// Go on trying for so long while something waits
        #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=3600))]
        wait: u64,
    },
    /// Keep in sync and print the state whenever it changes; Ctrl-C ends it
    Watch,
    /// Sign out of this computer; rides stay
    SignOut,
    /// Find, show and import workouts
    #[command(subcommand)]
    Library(Library),
    /// See what is planned
    #[command(subcommand)]
    Plan(Plan),
    /// Ride a workout in the terminal; Ctrl-C asks whether to finish
    Ride(Ride),
    /// See, export and finish rides
    #[command(subcommand)]
    Rides(Rides),
    /// See what waits to be delivered
    #[command(subcommand)]
    Outbox(Outbox),
    /// Play the known failures of signing in against a server of the lab; your own profile is not touched
    #[command(subcommand)]
    Scenario(Scenario),
}

/// Workouts.
#[derive(Debug, Subcommand)]
pub enum Library {
    /// List the workouts on this computer
    List(Filter),
    /// Find workouts by words in name, description, tags and author
    Search {
        /// Words, or their beginnings
        #[arg(required = true)]
        text: Vec<String>,
        /// Which of them.
        #[command(flatten)]
        filter: Filter,
    },
    /// Show a workout in full
    Show {
        /// As `library list` shows it
        #[arg(value_name = "WORKOUT-ID")]
        id: String,
    },
    /// Import ZWO, ERG and MRC files and folders of them
    ///
    /// Files that can be read are imported even when others cannot. Exit 1 when a file was refused; with --dry-run
    /// the listing itself is the answer, and the exit code is 0.
    Import {
        /// Files and folders
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// Only say what would become of each file
        #[arg(long)]
        dry_run: bool,
    },
}

/// Which workouts.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Filter {
    /// Only workouts for this zone
    #[arg(long, value_enum)]
    pub zone: Option<ZoneName>,
    /// At least this long
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(..=10_000))]
    pub min_minutes: Option<u32>,
    /// At most this long
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(..=10_000))]
    pub max_minutes: Option<u32>,
    /// At most this many [default: all]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
}

/// A power zone by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ZoneName {
    /// Below 55 % of FTP
    #[value(alias = "1")]
    Recovery,
    /// 55 to 75 %
    #[value(alias = "2")]
    Endurance,
    /// 75 to 90 %
    #[value(alias = "3")]
    Tempo,
    /// 90 to 105 %
    #[value(alias = "4")]
    Threshold,
    /// 105 to 120 %
    #[value(name = "vo2max", alias = "vo2_max", alias = "5")]
    Vo2Max,
    /// 120 to 150 %
    #[value(alias = "6")]
    Anaerobic,
    /// 150 % and above
    #[value(alias = "7")]
    Neuromuscular,
}

impl From<ZoneName> for Zone {
    fn from(name: ZoneName) -> Self {
        match name {
            ZoneName::Recovery => Self::Recovery,
            ZoneName::Endurance => Self::Endurance,
            ZoneName::Tempo => Self::Tempo,
            ZoneName::Threshold => Self::Threshold,
            ZoneName::Vo2Max => Self::Vo2Max,
            ZoneName::Anaerobic => Self::Anaerobic,
            ZoneName::Neuromuscular => Self::Neuromuscular,
        }
    }
}

/// The plan.
#[derive(Debug, Subcommand)]
pub enum Plan {
    /// List what is planned from today on
    List {
        /// How many days
        #[arg(long, value_name = "NUMBER", default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=366))]
        days: u32,
    },
    /// Move a planned workout to another day
    Move {
        /// As `plan list` shows it
        #[arg(value_name = "PLAN-ID")]
        id: String,
        /// The day, as 2026-03-02
        #[arg(value_name = "DAY")]
        day: Date,
    },
    /// Leave a planned workout out
    Skip {
        /// As `plan list` shows it
        #[arg(value_name = "PLAN-ID")]
        id: String,
    },
    /// Mark a planned workout as done
    Done {
        /// As `plan list` shows it
        #[arg(value_name = "PLAN-ID")]
        id: String,
    },
    /// Put a planned workout that was skipped or marked as done back
    Undo {
        /// As `plan list` shows it
        #[arg(value_name = "PLAN-ID")]
        id: String,
    },
}

/// A ride.
#[derive(Debug, Args)]
pub struct Ride {
    /// What to ride.
    #[command(flatten)]
    pub what: What,
    /// What gives the numbers
    #[arg(long, value_enum, default_value_t = TrainerName::Sim)]
    pub trainer: TrainerName,
    /// How many times faster than life the simulated trainer rides
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,
    /// Finish after so many seconds of riding
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub stop_after: Option<u32>,
    /// The plan item that the ride fulfils, from `plan list --json` (--today knows it)
    #[arg(long, value_name = "ID", conflicts_with_all = ["free", "today", "resume"])]
    pub plan_item: Option<String>,
}

/// What to ride; exactly one of these.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct What {
    /// A workout, as `library list` shows it
    #[arg(value_name = "WORKOUT-ID")]
    pub workout: Option<String>,
    /// Ride without a workout
    #[arg(long)]
    pub free: bool,
    /// Today's planned workout
    #[arg(long)]
    pub today: bool,
    /// Go on with a ride that was left open
    #[arg(long, value_name = "RIDE-ID")]
    pub resume: Option<Uuid>,
}

/// What gives the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TrainerName {
    /// The simulated trainer
    Sim,
}

/// Rides.
#[derive(Debug, Subcommand)]
pub enum Rides {
    /// List rides, each with where it is
    List,
    /// Write a ride's FIT file
    Export {
        /// As `rides list` shows it
        #[arg(value_name = "RIDE-ID")]
        id: Uuid,
        /// A folder, or the file to write
        #[arg(default_value = ".")]
        path: PathBuf,
    },
    /// Give a ride another title
    Rename {
        /// As `rides list` shows it
        #[arg(value_name = "RIDE-ID")]
        id: Uuid,
        /// The title
        title: String,
    },
    /// Write a note on a ride
    Note {
        /// As `rides list` shows it
        #[arg(value_name = "RIDE-ID")]
        id: Uuid,
        /// The note; an empty one takes it away
        note: String,
    },
    /// Say how hard a ride was, from 1 (very easy) to 10 (maximal)
    Rpe {
        /// As `rides list` shows it
        #[arg(value_name = "RIDE-ID")]
        id: Uuid,
        /// The number; without one the rating is taken away
        #[arg(value_parser = clap::value_parser!(u8).range(1..=10))]
        effort: Option<u8>,
    },
    /// Finish a ride that was left open
    Finish {
        /// As `rides list` shows it
        #[arg(value_name = "RIDE-ID")]
        id: Uuid,
    },
}

/// What waits to be delivered.
#[derive(Debug, Subcommand)]
pub enum Outbox {
    /// List what waits and what needs you
    List,
    /// Try one again
    Retry {
        /// As `outbox list` shows it
        id: Uuid,
    },
    /// Write one as a file
    Export {
        /// As `outbox list` shows it
        id: Uuid,
        /// A folder, or the file to write
        #[arg(default_value = ".")]
        path: PathBuf,
    },
    /// Choose between two versions of a change that was made here and elsewhere, or try one again or give it up that the
    /// service does not take
    Keep {
        /// As `outbox list` shows it
        id: Uuid,
        /// Which version to keep
        #[arg(value_enum)]
        version: Version,
    },
}

/// Which of two versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Version {
    /// Yours: it is sent again
    Mine,
    /// The service's: your change ends here
    Service,
}

/// Known failures of signing in.
#[derive(Debug, Subcommand)]
pub enum Scenario {
    /// List them
    List,
    /// Play some of them, or all; exit 1 when one does not end as it must
    Run {
        /// As `scenario list` shows them, or their numbers
        #[arg(
            required_unless_present = "all",
            conflicts_with = "all",
            value_name = "NAME"
        )]
        names: Vec<String>,
        /// All of them
        #[arg(long)]
        all: bool,
        /// How many at a time
        #[arg(long, value_name = "NUMBER", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
        at_a_time: u8,
    },
    /// Play one in the environment that `run` has prepared
    #[command(hide = true)]
    Inside {
        /// Its name
        name: String,
    },
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (0.1..=1000.0).contains(&speed) => Ok(speed),
        Ok(_) | Err(_) => Err("give a number from 0.1 to 1000".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_speed_is_a_number_that_a_trainer_can_ride() {
        assert_eq!(speed("60"), Ok(60.0));
        for text in ["0", "-1", "NaN", "inf", "fast", "", "1001"] {
            assert!(speed(text).is_err(), "{text}");
        }
    }
}
