//! A server with a clock that the test moves, and an app that signs in like a person would.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use freewheel_protocol::oauth::{
    CLIENT_ID, DEVICE_CODE_GRANT, DeviceAuthorization, OAuthError, SCOPES, TokenAnswer,
};
use freewheel_protocol::{Problem, ProblemCode, Sha256Digest};
use freewheel_server::store::AthleteId;
use freewheel_server::{Library, ManualClock, Options, Server};
use jiff::SignedDuration;
use reqwest::header::LOCATION;
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub const REDIRECT: &str = "http://127.0.0.1:49999/callback";
pub const VERIFIER: &str = "a-verifier-that-is-long-enough-to-be-one-0123456789";

/// What a test changes in the server's settings.
type Configure = Arc<dyn Fn(Options) -> Options + Send + Sync>;

pub struct Rig {
    configure: Configure,
    pub server: Server,
    pub clock: Arc<ManualClock>,
    pub url: String,
    pub http: Client,
    pub folder: Arc<TempDir>,
    place: Place,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<std::io::Result<()>>,
}

/// A server that is down.
pub struct Stopped {
    configure: Configure,
    clock: Arc<ManualClock>,
    place: Place,
    folder: Arc<TempDir>,
}

impl Stopped {
    pub async fn start(self) -> Rig {
        Rig::on(self.place, self.configure, self.folder, self.clock)
    }

    /// Something else in the server's place.
    pub fn listen(&self) -> TcpListener {
        self.place.listen()
    }
}

/// A port of 127.0.0.1 that stays the server's while it is down: a socket that is bound to it and never listens keeps it
/// from becoming the near end of some outgoing connection.
struct Place(TcpSocket);

impl Place {
    fn find() -> Self {
        Self(bound("127.0.0.1:0".parse().unwrap()))
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    fn listen(&self) -> TcpListener {
        bound(self.address()).listen(1024).unwrap()
    }
}

fn bound(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

impl Rig {
    /// A server in development mode with an empty library.
    pub async fn start() -> Self {
        Self::start_with(Library::Empty).await
    }

    pub async fn start_with(library: Library) -> Self {
        Self::start_as(move |options| Options {
            library: library.clone(),
            ..options
        })
        .await
    }

    /// A server in development mode with an empty library and whatever else `configure` sets.
    pub async fn start_as(configure: impl Fn(Options) -> Options + Send + Sync + 'static) -> Self {
        let clock = Arc::new(ManualClock::at("2026-03-02T09:00:00Z".parse().unwrap()));
        let folder = Arc::new(TempDir::new().unwrap());
        Self::on(Place::find(), Arc::new(configure), folder, clock)
    }

    fn on(
        place: Place,
        configure: Configure,
        folder: Arc<TempDir>,
        clock: Arc<ManualClock>,
    ) -> Self {
        let listener = place.listen();
        let url = format!("http://{}", place.address());
        let options = configure(Options {
            clock: clock.clone(),
            library: Library::Empty,
            dev: true,
            ..Options::at(&url)
        });
        let server = Server::open(folder.path(), options).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn({
            let server = server.clone();
            async move { server.serve(listener, async { drop(stopped.await) }).await }
        });
        Self {
            configure,
            server,
            clock,
            url,
            http: client(),
            folder,
            place,
            stop,
            serving,
        }
    }

    /// Stops the server and opens another one on the same folder and port.
    pub async fn restart(self) -> Self {
        self.stop().await.start().await
    }

    /// Stops the server; its folder and port are kept.
    pub async fn stop(self) -> Stopped {
        drop((self.http, self.stop));
        self.serving.await.unwrap().unwrap();
        Stopped {
            configure: self.configure,
            clock: self.clock,
            place: self.place,
            folder: self.folder,
        }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.url))
    }

    pub fn post(&self, path: &str, form: &[(&str, &str)]) -> RequestBuilder {
        self.http.post(format!("{}{path}", self.url)).form(form)
    }

    pub fn demo(&self) -> AthleteId {
        self.server
            .store()
            .athlete_named("demo")
            .unwrap()
            .unwrap()
            .id
    }

    /// Unix seconds, by the server's clock.
    pub fn server_second(&self) -> i64 {
        freewheel_server::Clock::now(self.clock.as_ref()).as_second()
    }

    pub fn advance(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    /// The first page for a proper request, changed by `overrides`.
    pub async fn authorize(&self, overrides: &[(&str, &str)]) -> Response {
        let (challenge, scope) = (challenge(VERIFIER), SCOPES.join(" "));
        let mut query = vec![
            ("client_id", CLIENT_ID),
            ("redirect_uri", REDIRECT),
            ("response_type", "code"),
            ("scope", &scope),
            ("state", "state & more"),
            ("nonce", "nonce-1"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        for (name, value) in overrides {
            query.retain(|(existing, _)| existing != name);
            if !value.is_empty() {
                query.push((name, value));
            }
        }
        self.get("/oauth/authorize")
            .query(&query)
            .send()
            .await
            .unwrap()
    }

    /// Name and password typed into the first page.
    pub async fn type_in(&self, page: &str, username: &str, password: &str) -> Response {
        let form = [
            ("request", &*request_key(page)),
            ("username", username),
            ("password", password),
        ];
        self.post("/oauth/sign-in", &form).send().await.unwrap()
    }

    /// The answer to the second page.
    pub async fn answer(&self, page: &str, answer: &str) -> Response {
        let form = [("request", &*request_key(page)), ("answer", answer)];
        self.post("/oauth/consent", &form).send().await.unwrap()
    }

    /// A code for `username`, whose password is the same.
    pub async fn code(&self, username: &str, overrides: &[(&str, &str)]) -> String {
        let page = self.authorize(overrides).await.text().await.unwrap();
        let page = self
            .type_in(&page, username, username)
            .await
            .text()
            .await
            .unwrap();
        parameter(&location(&self.answer(&page, "allow").await), "code").unwrap()
    }

    pub async fn redeem(&self, code: &str, verifier: &str) -> Response {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", CLIENT_ID),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", verifier),
        ];
        self.post("/oauth/token", &form).send().await.unwrap()
    }

    pub async fn sign_in(&self) -> TokenAnswer {
        self.sign_in_as("demo").await
    }

    pub async fn sign_in_as(&self, username: &str) -> TokenAnswer {
        let code = self.code(username, &[]).await;
        tokens(self.redeem(&code, VERIFIER).await).await
    }

    /// A device's codes.
    pub async fn device(&self) -> DeviceAuthorization {
        let scope = SCOPES.join(" ");
        let form = [("client_id", CLIENT_ID), ("scope", &*scope)];
        let answer = self.post("/oauth/device", &form).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["cache-control"], "no-store");
        answer.json().await.unwrap()
    }

    /// A user code typed into the page for devices.
    pub async fn type_code(&self, user_code: &str) -> Response {
        let form = [("user_code", user_code)];
        self.post("/oauth/device/code", &form).send().await.unwrap()
    }

    /// The athlete, whose password is their name, answers for the device that shows `user_code`.
    pub async fn answer_for(&self, user_code: &str, username: &str, answer: &str) -> Response {
        let page = self.type_code(user_code).await.text().await.unwrap();
        let page = self.type_in(&page, username, username).await;
        self.answer(&page.text().await.unwrap(), answer).await
    }

    /// The device asks for its tokens.
    pub async fn poll(&self, device_code: &str) -> Response {
        let form = [
            ("grant_type", DEVICE_CODE_GRANT),
            ("client_id", CLIENT_ID),
            ("device_code", device_code),
        ];
        self.post("/oauth/token", &form).send().await.unwrap()
    }

    /// What a signed token says, signature not looked at.
    pub fn claims(token: &str) -> serde_json::Value {
        let body = token.split('.').nth(1).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).unwrap()).unwrap()
    }

    pub async fn refresh(&self, token: &str) -> Response {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", CLIENT_ID),
            ("refresh_token", token),
        ];
        self.post("/oauth/token", &form).send().await.unwrap()
    }

    /// Adds an athlete whose password is their name.
    pub fn add_athlete(&self, username: &str) -> AthleteId {
        let profile = freewheel_protocol::Profile {
            name: username.to_owned(),
            ftp_watts: 250,
            weight_kg: None,
            extra: serde_json::Map::new(),
        };
        let new = freewheel_server::store::NewAthlete {
            username,
            password: username,
            profile,
        };
        let now = freewheel_server::Clock::now(self.clock.as_ref());
        self.server.store().add_athlete(&new, now).unwrap()
    }
}

fn client() -> Client {
    Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap()
}

pub fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256Digest::of(verifier.as_bytes()).0)
}

/// The hidden key in a page's form.
pub fn request_key(page: &str) -> String {
    let (_, rest) = page
        .split_once("name=\"request\" value=\"")
        .unwrap_or_else(|| panic!("{page}"));
    rest.split_once('"').unwrap().0.to_owned()
}

pub fn location(response: &Response) -> Url {
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    Url::parse(response.headers()[LOCATION].to_str().unwrap()).unwrap()
}

pub fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

pub async fn tokens(response: Response) -> TokenAnswer {
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["cache-control"], "no-store");
    response.json().await.unwrap()
}

pub async fn refusal(response: Response) -> String {
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert!(
        response.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("application/json")
    );
    response
        .json::<OAuthError>()
        .await
        .unwrap()
        .error
        .to_string()
}

pub async fn problem(response: Response) -> (u16, ProblemCode) {
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    let status = response.status().as_u16();
    let problem: Problem = response.json().await.unwrap();
    assert_eq!(problem.status, status);
    (status, problem.code)
}

/// A FIT file with `data` inside: right header, length and checksum.
pub fn fit(data: &[u8]) -> Vec<u8> {
    let mut file = vec![14, 0x20, 0x54, 0x08];
    file.extend((data.len() as u32).to_le_bytes());
    file.extend(b".FIT");
    file.extend([0, 0]);
    file.extend(data);
    let crc = file.iter().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| {
            if crc & 1 == 1 {
                (crc >> 1) ^ 0xA001
            } else {
                crc >> 1
            }
        })
    });
    file.extend(crc.to_le_bytes());
    file
}
