//! Plays one story on a disk that is recorded. The argument names the story; the environment names the disk and the file of
//! the marks (see `freewheel_powercut::recorder`).

mod day;
mod faulty;
mod launch;
mod long;
mod pages;
mod raw;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use freewheel_powercut::PowercutError;
use freewheel_powercut::mark::{Mark, Pen};
use freewheel_powercut::recorder::{DISK, MARKS};
use freewheel_powercut::stage::{PROFILE, SERVICE};

/// Where a story is played.
#[derive(Clone)]
struct Scene {
    profile: PathBuf,
    service: PathBuf,
    pen: Arc<Pen>,
    /// Further arguments.
    arguments: Vec<String>,
}

impl Scene {
    fn note(&self, mark: &Mark) -> Result<(), PowercutError> {
        self.pen.write(mark)
    }
}

type Played = Result<(), Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> ExitCode {
    let played = match scene() {
        Ok((story, scene)) => play(&story, &scene).await,
        Err(error) => Err(error),
    };
    match played {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = std::io::Write::write_fmt(
                &mut std::io::stderr(),
                format_args!("powercut-player: {error}\n"),
            );
            ExitCode::FAILURE
        }
    }
}

fn scene() -> Result<(String, Scene), Box<dyn std::error::Error>> {
    let named = |name: &str| std::env::var_os(name).ok_or(format!("{name} is not set"));
    let disk = PathBuf::from(named(DISK)?);
    let mut arguments = std::env::args().skip(1);
    let story = arguments.next().ok_or("name a story")?;
    let scene = Scene {
        profile: disk.join(PROFILE),
        service: disk.join(SERVICE),
        pen: Arc::new(Pen::open(Path::new(&named(MARKS)?))?),
        arguments: arguments.collect(),
    };
    Ok((story, scene))
}

async fn play(story: &str, scene: &Scene) -> Played {
    match story {
        "day" => day::play(scene).await,
        "long" => long::play(scene),
        "pages" => pages::play(scene),
        "launch" => launch::play(scene),
        fault => faulty::play(fault, scene),
    }
}
