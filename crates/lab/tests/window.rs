//! Real windows in a private session, on a page of our own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::fs;
use std::path::Path;
use std::time::Duration;

use freewheel_lab::desktop::{DesktopSession, Keyring, SessionOptions};
use freewheel_lab::faults::StatusServer;
use freewheel_lab::program::Program;
use freewheel_lab::programs;
use freewheel_lab::window::{Browser, Page, Window};

const PAGE: &str = "<!doctype html><title>Page</title><body style='background: #cde'>\
    <h1 id=head>Hello</h1><input id=name><button id=go>Go</button><p id=out></p><p id=keys></p>\
    <script>\
    document.getElementById('go').onclick = () => setTimeout(() => {\
        out.textContent = 'You are ' + document.getElementById('name').value }, 200);\
    addEventListener('keydown', e => { keys.textContent += e.code + ' ' });\
    </script>";

fn serve() -> StatusServer {
    StatusServer::open(None, 200, "text/html", PAGE).unwrap()
}

async fn session() -> DesktopSession {
    let options = SessionOptions {
        keyring: Keyring::Absent,
        ..SessionOptions::default()
    };
    DesktopSession::start(options).await.unwrap()
}

/// A process that has ended but was not yet collected by its parent has no program any more.
fn runs(pid: u32) -> bool {
    fs::read_link(format!("/proc/{pid}/exe")).is_ok()
}

async fn use_page(page: &Page, server: &StatusServer, shot: &Path) {
    page.goto(&server.url()).await.unwrap();
    assert_eq!(page.text("#head").await.unwrap(), "Hello");
    page.fill("#name", "somebody else").await.unwrap();
    page.fill("#name", "Zoë").await.unwrap();
    page.click("#go").await.unwrap();
    page.wait_for_text("#out", "You are Zoë", Duration::from_secs(5))
        .await
        .unwrap();
    assert_eq!(
        page.attr("#head", "id").await.unwrap().as_deref(),
        Some("head")
    );
    assert_eq!(page.value("#name").await.unwrap().as_deref(), Some("Zoë"));
    page.js("document.activeElement.blur()", Vec::new())
        .await
        .unwrap();
    page.keys(" ").await.unwrap();
    page.keys(thirtyfour::Key::Right).await.unwrap();
    page.wait_for_text("#keys", "Space ArrowRight", Duration::from_secs(5))
        .await
        .unwrap();

    for (width, height) in [(900, 600), (700, 500)] {
        page.resize(width, height).await.unwrap();
        page.wait_for(
            "the new size",
            Duration::from_secs(5),
            async |page: &Page| {
                let inner = page.js("return window.innerWidth", Vec::new()).await?;
                Ok(inner.as_u64().is_some_and(|inner| {
                    inner <= u64::from(width) && inner + 60 > u64::from(width)
                }))
            },
        )
        .await
        .unwrap();
    }
    page.screenshot(shot).await.unwrap();
    assert_eq!(&fs::read(shot).unwrap()[1..4], b"PNG");
    assert!(fs::metadata(shot).unwrap().len() > 1000);

    let missing = page
        .wait_for_text("#out", "nobody", Duration::from_millis(200))
        .await;
    let error = missing.unwrap_err().to_string();
    assert!(
        error.contains("nobody") && error.contains("You are Zoë"),
        "{error}"
    );
}

#[tokio::test]
async fn a_browser_window_shows_a_page_and_takes_clicks_and_keys() {
    let session = session().await;
    let server = serve();
    let browser = Browser::open(&session).await.unwrap();
    use_page(
        &browser,
        &server,
        &session.folder().join("shots/browser.png"),
    )
    .await;
}

#[tokio::test]
async fn an_app_window_is_driven_closed_opened_again_and_killed() {
    let session = session().await;
    let server = serve();
    // MiniBrowser stands in for the app: a program with a WebKit window that can be automated.
    let app = programs::mini_browser().unwrap();
    let open = async || {
        Window::open_with_args(
            &session,
            &app,
            &["--automation"],
            &[("FREEWHEEL_TEST", "seen")],
        )
        .await
        .unwrap()
    };
    let window = open().await;
    use_page(&window, &server, &session.folder().join("shots/app.png")).await;
    let pid = window.pid().unwrap();
    let environ = fs::read(format!("/proc/{pid}/environ")).unwrap();
    assert!(
        environ
            .split(|&byte| byte == 0)
            .any(|pair| pair == b"FREEWHEEL_TEST=seen")
    );
    window.quit().await.unwrap();
    assert!(!runs(pid));

    let window = open().await;
    let again = window.pid().unwrap();
    assert_ne!(again, pid);
    window.kill9().await.unwrap();
    assert!(!runs(again));
}

#[tokio::test]
async fn what_is_opened_in_the_browser_is_caught_in_order_and_no_real_browser_starts() {
    let options = SessionOptions::headless(Keyring::Absent);
    let session = DesktopSession::start(options).await.unwrap();
    let bound = Duration::from_secs(5);
    for (name, program, args) in [
        ("first", "xdg-open", vec!["http://127.0.0.1:1/a?b=c&d='e'"]),
        ("second", "gio", vec!["open", "http://127.0.0.1:1/second"]),
    ] {
        let mut command = session.command(program);
        let mut opening = Program::start(name, command.args(args), &session.logs()).unwrap();
        opening.wait(bound).await.unwrap();
    }
    assert_eq!(
        session.opened_url(bound).await.unwrap(),
        "http://127.0.0.1:1/a?b=c&d='e'"
    );
    assert_eq!(
        session.opened_url(bound).await.unwrap(),
        "http://127.0.0.1:1/second"
    );
    assert!(session.opened_url(Duration::from_millis(50)).await.is_err());
}

#[tokio::test]
async fn a_session_leaves_no_process_and_no_folder_behind() {
    let session = DesktopSession::start(SessionOptions::default())
        .await
        .unwrap();
    let folder = session.folder().to_owned();
    let mut command = session.command("sleep");
    // Started and forgotten, as a desktop app does with its helpers.
    let mut orphan = command.arg("600").spawn().unwrap();
    drop(session);
    assert!(!orphan.wait().unwrap().success(), "it was ended");
    assert!(!folder.exists());
}

#[test]
fn what_is_not_installed_is_named_with_its_package() {
    let error = programs::installed("no-such-program", "some-package")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("no-such-program") && error.contains("some-package"),
        "{error}"
    );
    assert!(error.contains("cargo xtask setup"), "{error}");
    let error = programs::built("no-such-program").unwrap_err().to_string();
    assert!(error.contains("cargo build --workspace"), "{error}");
}
