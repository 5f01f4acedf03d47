//! Ten thousand workouts: the app opens and searches as if there were none. Every list is compared with a slow search;
//! times are told, and judged only against each other. `--nocapture` shows them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement"
)]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]

mod figures;
mod naive;
mod questions;
#[path = "../stage/mod.rs"]
mod stage;

use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use freewheel_lab::faults::BlackHole;
use freewheel_lab::generated_library;
use freewheel_lab::server::ServerProcess;
use freewheel_lab::window::Page;
use freewheel_sync::view::LibraryQuery;
use freewheel_sync::{Engine, Home, Mode, Ports};
use serde_json::{Value, json};

use figures::{Times, head, line};
use naive::Naive;
use questions::{TYPED, letter_by_letter, text, thousand};
use stage::{Stage, go, wait_for_attr, wait_for_number};

const WORKOUTS: u32 = 10_000;
/// Launches of each kind.
const LAUNCHES: usize = 5;
const TOTAL: &str = "[data-test='library-total']";
/// For what takes a while on a busy machine with an unoptimised build.
const LATER: Duration = Duration::from_secs(180);
/// A launch may take this much longer than the fastest kind. Generous: the machine does other things too.
const SANE: f64 = 1.5;

#[tokio::test]
async fn ten_thousand_workouts_open_and_search_without_a_pause() {
    let library = generated_library::generate(WORKOUTS);
    // Kept for the next run: some disks take a minute to remove so many files.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("library-of-{WORKOUTS}"));
    generated_library::write(&library, &folder).unwrap();
    let mut naive = Naive::of(&library);

    let began = Instant::now();
    let arguments = ["--dev", "--library", folder.to_str().unwrap()];
    let mut stage = Stage::set_with((1280, 800), &arguments).await;
    println!(
        "\nserver published {WORKOUTS} workouts in {:.1} s",
        began.elapsed().as_secs_f64()
    );
    let window = stage.open().await;
    stage.sign_in(&window).await;
    let began = Instant::now();
    go(&window, "library").await;
    wait_for_number(&window, TOTAL, "data-count", WORKOUTS.into(), LATER).await;
    println!(
        "pulled after signing in within {:.1} s",
        began.elapsed().as_secs_f64()
    );
    wait_for_attr(
        &window,
        "[data-test='fact-data']",
        "data-state",
        "clear",
        LATER,
    )
    .await;

    search_in_the_window(&window, &mut naive).await;
    scroll(&window, &mut naive).await;
    window.quit().await.unwrap();
    launch(&mut stage).await;
    ask_the_engine(stage.home(), &mut naive).await;
}

/// Types into the search field; the list must show what the slow search finds, after every letter.
async fn search_in_the_window(window: &Page, naive: &mut Naive) {
    let (mut settled, mut frames) = (Times::default(), Times::default());
    for typed in TYPED {
        let letters: Vec<Value> = letter_by_letter(typed)
            .chain([String::new()])
            .map(|beginning| {
                let found = naive.find(&text(beginning.trim()));
                let first = found.ids.first().map_or("", String::as_str);
                json!({ "text": beginning, "expected": format!("{} {first}", found.total) })
            })
            .collect();
        let measured = run(window, include_str!("typing.js"), vec![json!(letters)]).await;
        settled.extend(numbers(&measured["settled"]));
        frames.extend(numbers(&measured["frames"]));
    }
    println!("{}", head("search in the window"));
    println!(
        "{}",
        line("letter to painted list (80 ms of it by design)", &settled)
    );
    println!("{}", line("between frames while typing", &frames));
    assert!(
        settled.count() >= TYPED.len(),
        "the letters change the list"
    );
}

/// Scrolls through the list and jumps about in it; each row must be the one that belongs there.
async fn scroll(window: &Page, naive: &mut Naive) {
    let rows = naive
        .find(&LibraryQuery {
            limit: WORKOUTS,
            ..text("")
        })
        .ids;
    let jumps: Vec<Value> = [9_990, 5_000, 123, 7_777, 2_500, 9_000]
        .map(|index: usize| json!({ "index": index, "id": rows[index] }))
        .to_vec();
    let arguments = vec![json!(120), json!(jumps)];
    let measured = run(window, include_str!("scrolling.js"), arguments).await;
    let (mut frames, mut jumped) = (Times::default(), Times::default());
    frames.extend(numbers(&measured["frames"]));
    jumped.extend(numbers(&measured["jumped"]));
    println!("{}", head("scrolling"));
    println!("{}", line("between frames while scrolling", &frames));
    println!("{}", line("jump to painted row", &jumped));
}

/// Launches with the server up, killed and black-holed, and on an empty profile, in turn.
async fn launch(stage: &mut Stage) {
    let empty = stage.session.folder().join("empty-profile");
    // Everything is published already; reading the files again would only take time.
    let nothing = tempfile::tempdir().unwrap();
    let already = ["--dev", "--library", nothing.path().to_str().unwrap()];
    // The first start makes the databases.
    stage.open_on(&empty).await.quit().await.unwrap();
    let home = stage.home().to_owned();
    let mut kinds = [
        "server up",
        "empty profile",
        "server killed",
        "server black-holed",
    ]
    .map(|name| (name, Times::default()));
    for round in 0..LAUNCHES {
        // None is always the first one after a change.
        let order = |pair: [usize; 2]| {
            if round % 2 == 0 {
                pair
            } else {
                [pair[1], pair[0]]
            }
        };
        for kind in order([0, 1]) {
            let home = if kind == 0 { &home } else { &empty };
            kinds[kind].1.add_duration(launched(stage, home).await);
        }
        stage.server.kill9();
        let (data, port) = (stage.server.data().to_owned(), stage.server.port().clone());
        for kind in order([2, 3]) {
            let hole = if kind == 3 {
                Some(BlackHole::open(Some(&port)).await.unwrap())
            } else {
                None
            };
            kinds[kind].1.add_duration(launched(stage, &home).await);
            drop(hole);
        }
        stage.server = ServerProcess::start(&data, Some(&port), &already)
            .await
            .unwrap();
    }
    let up = kinds[0].1.median();
    println!(
        "{}   to server up",
        head("process start to first screen painted")
    );
    for (name, times) in &kinds {
        println!("{}   {:.2}", line(name, times), times.median() / up);
    }
    // The quickest launch of each kind is the one that the machine's other work disturbed least.
    let fastest = kinds
        .iter()
        .map(|(_, times)| times.quickest())
        .fold(f64::INFINITY, f64::min);
    for (name, times) in &kinds {
        let ratio = times.quickest() / fastest;
        assert!(ratio <= SANE, "{name}: {ratio:.2} of the fastest kind");
    }
}

/// From the start of the process until its first screen is painted with its data.
async fn launched(stage: &Stage, home: &Path) -> Duration {
    let window = stage.open_on(home).await;
    let script =
        "return performance.timeOrigin + performance.getEntriesByName('ready')[0].startTime";
    let ready = window
        .js(script, Vec::new())
        .await
        .unwrap()
        .as_f64()
        .unwrap();
    let began: SystemTime = window.began().unwrap();
    window.quit().await.unwrap();
    Duration::from_secs_f64(ready / 1000.0) - began.duration_since(UNIX_EPOCH).unwrap()
}

/// A thousand questions to the engine, each compared with the slow search.
async fn ask_the_engine(home: &Path, naive: &mut Naive) {
    let home = Home::resolve(Some(home.to_owned()))
        .unwrap()
        .open()
        .unwrap();
    let engine = Engine::open(home, Ports::system(), Mode::OneShot)
        .await
        .unwrap();
    let (mut all, mut worst) = (Times::default(), (0.0, LibraryQuery::default()));
    for query in thousand() {
        let began = Instant::now();
        let page = engine.library(query.clone()).await.unwrap();
        let took = began.elapsed();
        all.add_duration(took);
        if took.as_secs_f64() > worst.0 {
            worst = (took.as_secs_f64(), query.clone());
        }
        let found = naive.find(&query);
        assert_eq!(page.total, found.total, "{query:?}");
        let ids: Vec<String> = page.rows.into_iter().map(|row| row.id).collect();
        assert_eq!(ids, found.ids, "{query:?}");
    }
    println!("{}", head("the engine's answer"));
    println!("{}", line("a window of the library", &all));
    println!("slowest: {:?}", worst.1);
    let mut today = Times::default();
    for _ in 0..100 {
        let began = Instant::now();
        engine.today().await.unwrap();
        today.add_duration(began.elapsed());
    }
    println!("{}", line("today", &today));
    engine.shutdown().await;
}

/// Runs a script that ends by calling its last argument.
async fn run(window: &Page, script: &str, arguments: Vec<Value>) -> Value {
    window.driver().set_script_timeout(LATER).await.unwrap();
    let measured = window
        .driver()
        .execute_async(script, arguments)
        .await
        .unwrap();
    let measured = measured.json().clone();
    assert_eq!(measured.get("error"), None);
    measured
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|each| each.as_f64().unwrap())
        .collect()
}
