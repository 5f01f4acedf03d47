//! One HTTP exchange: sent once, never redirected, read whole within bounds, and told as plain facts.

use std::error::Error as _;
use std::time::Duration;

use freewheel_policy::time::{Millis, WallMs};
use freewheel_policy::transport::{Sent, TlsCause, TransportFailure, Trouble};
use freewheel_protocol::{PROTOCOL_VERSION, header};
use futures_util::StreamExt as _;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};
use reqwest::{RequestBuilder, Response};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout, timeout_at};

/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// The largest one where nothing large belongs, in bytes: metadata, keys, tokens.
const MAX_SMALL: usize = 256 * 1024;
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer may take to begin, and how long it may stand still.
const READ_TIMEOUT: Duration = Duration::from_secs(15);
/// The slowest pace that is waited for, in bytes per second. A ride of four hours (300 kB) takes 150 s at it.
const SLOWEST: u64 = 2 * 1024;

/// An answer, whatever it says.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Media type without parameters, lower case.
    pub media_type: Option<String>,
    /// As much of the body as came.
    pub body: Vec<u8>,
    /// Whether the body came whole.
    pub complete: bool,
    /// What `Retry-After` asks for, by the server's own clock (RFC 9110 §10.2.3).
    pub retry_after: Option<Millis>,
    /// The server's `Date`.
    pub date: Option<WallMs>,
}

impl Reply {
    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the status is a redirect; none is ever followed.
    #[must_use]
    pub fn is_redirect(&self) -> bool {
        (300..400).contains(&self.status) && self.status != 304
    }

    /// Whether nothing of the kind that was asked is at this address.
    #[must_use]
    pub fn is_misplaced(&self) -> bool {
        matches!(self.status, 404 | 405 | 410)
    }

    /// Whether the body says that it is JSON (also `…+json`).
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.media_type
            .as_deref()
            .is_some_and(|m| m == "application/json" || m.ends_with("+json"))
    }

    /// The body as `T`, if it is a JSON object, as all that this wire speaks of is. A list is none, although its elements
    /// could be taken for the fields in their order.
    #[must_use]
    pub fn object<T: DeserializeOwned>(&self) -> Option<T> {
        let is_object = self.body.trim_ascii_start().first() == Some(&b'{');
        is_object
            .then(|| serde_json::from_slice(&self.body).ok())
            .flatten()
    }

    /// The JSON document of a 2xx answer, which is an object.
    ///
    /// # Errors
    /// Everything else, told by kind: a portal's page, a redirect, a cut body, a status of trouble.
    pub fn document<T: DeserializeOwned>(&self) -> Result<T, Trouble> {
        if self.is_redirect() {
            return Err(Trouble::Redirected);
        }
        match self.status {
            407 => return Err(Trouble::Transport(TransportFailure::ProxyAuth)),
            429 | 503 => return Err(Trouble::Busy),
            status if !self.is_success() => return Err(Trouble::Status(status)),
            _ => {}
        }
        if !self.complete {
            return Err(Trouble::Transport(TransportFailure::Cut));
        }
        if self.body.is_empty() {
            return Err(Trouble::Empty);
        }
        if !self.is_json() {
            return Err(Trouble::Foreign);
        }
        self.object().ok_or(Trouble::Unreadable)
    }
}

/// The HTTP client of one server.
#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
}

/// The HTTP client could not be made: no usable TLS on this computer.
#[derive(Debug, thiserror::Error)]
#[error("no HTTP client: {0}")]
pub struct HttpSetupError(#[from] reqwest::Error);

impl Http {
    /// A client that trusts the system's roots, follows no redirect, and goes past any proxy to this computer.
    ///
    /// # Errors
    /// The TLS set-up of this computer is unusable.
    pub fn new(loopback: bool) -> Result<Self, HttpSetupError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::PROTOCOL, PROTOCOL_VERSION.into());
        let builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("Freewheel/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(Duration::from_secs(30));
        let builder = if loopback {
            builder.no_proxy()
        } else {
            builder
        };
        Ok(Self {
            client: builder.build()?,
        })
    }

    /// The underlying client, for building requests.
    #[must_use]
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// Sends a request and reads its answer. The library's own time-outs are not used: the one for reading counts while
    /// a ride is still going up, and none of them ends an answer that dribbles in for ever.
    ///
    /// # Errors
    /// No complete head of an answer came. A body that broke off is an answer that is not `complete`.
    pub async fn send(&self, request: RequestBuilder) -> Result<Reply, TransportFailure> {
        self.send_within(request, MAX_ANSWER).await
    }

    /// The same, where nothing large belongs: what goes on after 256 KiB counts as broken off.
    ///
    /// # Errors
    /// As [`Http::send`].
    pub async fn send_small(&self, request: RequestBuilder) -> Result<Reply, TransportFailure> {
        self.send_within(request, MAX_SMALL).await
    }

    async fn send_within(
        &self,
        request: RequestBuilder,
        most: usize,
    ) -> Result<Reply, TransportFailure> {
        let request = request.build().map_err(|error| failure(&error))?;
        let upload = request.body().and_then(reqwest::Body::as_bytes);
        let patience = READ_TIMEOUT + time_for(upload.map_or(0, <[u8]>::len));
        match timeout(patience, self.client.execute(request)).await {
            Ok(Ok(response)) => Ok(read(response, most).await),
            Ok(Err(error)) => Err(failure(&error)),
            Err(_) => Err(TransportFailure::Timeout { sent: Sent::After }),
        }
    }
}

/// How long so many bytes take at the slowest pace.
fn time_for(bytes: usize) -> Duration {
    Duration::from_secs(u64::try_from(bytes).unwrap_or(u64::MAX) / SLOWEST)
}

async fn read(response: Response, most: usize) -> Reply {
    let status = response.status().as_u16();
    let headers = response.headers();
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let media_type = text(CONTENT_TYPE).map(|value| {
        value
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
    });
    let date = text(DATE).and_then(http_date);
    let retry_after = text(RETRY_AFTER).and_then(|value| retry_after(value, date));
    let mut body = Vec::new();
    let mut complete = true;
    let mut chunks = response.bytes_stream();
    let began = Instant::now();
    loop {
        let standstill = Instant::now() + READ_TIMEOUT;
        let too_slow = began + READ_TIMEOUT + time_for(body.len());
        match timeout_at(standstill.min(too_slow), chunks.next()).await {
            Ok(None) => break,
            Ok(Some(Ok(chunk))) if body.len() + chunk.len() <= most => {
                body.extend_from_slice(&chunk);
            }
            Ok(Some(Ok(_) | Err(_))) | Err(_) => {
                complete = false;
                break;
            }
        }
    }
    Reply {
        status,
        media_type,
        body,
        complete,
        retry_after,
        date,
    }
}

/// An HTTP date (RFC 9110 §5.6.7).
fn http_date(text: &str) -> Option<WallMs> {
    let time = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(text)
        .ok()?;
    Some(WallMs(time.as_millisecond()))
}

/// Seconds, or a date: then counted from the server's own `Date`, because this computer's clock may be wrong.
fn retry_after(text: &str, date: Option<WallMs>) -> Option<Millis> {
    if let Ok(seconds) = text.trim().parse::<u64>() {
        return Some(Millis::secs(seconds));
    }
    Some(http_date(text)?.since(date?).unwrap_or(Millis::ZERO))
}

/// Names what went wrong from the library's error and its chain of causes.
fn failure(error: &reqwest::Error) -> TransportFailure {
    let chain = Chain::of(error);
    let before = error.is_connect();
    if error.is_dns() {
        return TransportFailure::Dns;
    }
    if error.is_timeout() {
        let sent = if before { Sent::Before } else { Sent::After };
        return TransportFailure::Timeout { sent };
    }
    if let Some(kind) = chain.io {
        use std::io::ErrorKind as K;
        match kind {
            K::ConnectionRefused => return TransportFailure::Refused,
            K::HostUnreachable | K::NetworkUnreachable | K::NetworkDown | K::AddrNotAvailable => {
                return TransportFailure::Unreachable;
            }
            K::TimedOut => {
                let sent = if before { Sent::Before } else { Sent::After };
                return TransportFailure::Timeout { sent };
            }
            _ => {}
        }
    }
    if let Some(cause) = chain.tls() {
        return TransportFailure::Tls { cause };
    }
    if chain.text.contains("proxy authorization required") {
        return TransportFailure::ProxyAuth;
    }
    if chain.text.contains("dns error") || chain.text.contains("lookup address") {
        return TransportFailure::Dns;
    }
    if before {
        return TransportFailure::Unreachable;
    }
    if chain.text.contains("invalid http") || chain.text.contains("parse") {
        return TransportFailure::Garbled;
    }
    TransportFailure::Reset
}

/// What an error's chain of causes tells.
struct Chain {
    io: Option<std::io::ErrorKind>,
    /// All messages, lower case. Texts are a last resort, and only pick between kinds of failure that are
    /// treated alike.
    text: String,
}

impl Chain {
    fn of(error: &reqwest::Error) -> Self {
        let mut io = None;
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<std::io::Error>() {
                io = Some(error.kind());
            }
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        Self {
            io,
            text: text.to_ascii_lowercase(),
        }
    }

    fn tls(&self) -> Option<TlsCause> {
        let text = &self.text;
        if !text.contains("certificate") && !text.contains("tls") && !text.contains("handshake") {
            return None;
        }
        Some(
            if text.contains("unknownissuer") || text.contains("unknown issuer") {
                TlsCause::UnknownIssuer
            } else if text.contains("notvalidforname") || text.contains("not valid for name") {
                TlsCause::WrongName
            } else if text.contains("expired") || text.contains("notvalidyet") {
                TlsCause::NotValidNow
            } else {
                TlsCause::Other
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_both_forms_by_the_servers_clock() {
        let date = http_date("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date, Some(WallMs(784_111_777_000)));
        for (text, expected) in [
            ("120", Some(Millis::secs(120))),
            (" 0 ", Some(Millis::ZERO)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(Millis::secs(60))),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(Millis::ZERO)),
            ("-5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(text, date), expected, "{text}");
        }
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:50:37 GMT", None), None);
    }

    #[tokio::test]
    async fn a_refused_port_and_a_cut_body_are_told_apart() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let http = Http::new(true).unwrap();
        let port = freewheel_lab::port::Port::reserve().unwrap();
        let (listener, url) = (port.listen().unwrap(), format!("{}/", port.url()));
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await.unwrap();
            let cut = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{\"a\":";
            stream.write_all(cut).await.unwrap();
        });
        let reply = http.send(http.client().get(&url)).await.unwrap();
        assert!(!reply.complete && reply.is_success() && reply.is_json());
        server.await.unwrap();
        let refused = http.send(http.client().get(&url)).await;
        assert_eq!(refused.unwrap_err(), TransportFailure::Refused);
    }
    #[tokio::test(start_paused = true)]
    async fn an_upload_may_take_its_time_and_an_answer_may_not_dribble_for_ever() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let http = Http::new(true).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let ride = vec![7; 300_000];
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut took = 0;
            let mut part = vec![0; 4096];
            while took < 300_000 {
                took += stream.read(&mut part).await.unwrap();
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            let head = b"HTTP/1.1 201 Created\r\nContent-Length: 10000\r\n\r\n";
            stream.write_all(head).await.unwrap();
            while stream.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let began = Instant::now();
        let reply = http.send(http.client().put(&url).body(ride)).await.unwrap();
        let took = began.elapsed();
        assert_eq!((reply.status, reply.complete), (201, false));
        assert!(took > Duration::from_secs(60), "uploading took {took:?}");
        assert!(took < Duration::from_secs(200), "reading took {took:?}");
        server.await.unwrap();
    }
}
