//! A server with one answer for everything.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::LabError;
use crate::accepting::Accepting;
use crate::port::Port;

/// Longest request head that is read, in bytes.
const LONGEST_HEAD: usize = 64 * 1024;

/// Answers every request with the same status, content type and body, and remembers the requests. Gives the port back
/// when dropped.
#[derive(Debug)]
pub struct StatusServer {
    port: Port,
    requests: Arc<Mutex<Vec<String>>>,
    _accepting: Accepting,
}

impl StatusServer {
    /// Opens it on `port`, or on a free one. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// Somebody listens on the port, or none is to be had.
    pub fn open(
        port: Option<&Port>,
        status: u16,
        content_type: &str,
        body: &str,
    ) -> Result<Self, LabError> {
        let port = Port::or_reserve(port)?;
        let listener = port.listen()?;
        let requests = Arc::new(Mutex::new(Vec::new()));
        let answer = format!(
            "HTTP/1.1 {status} Canned\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{body}",
            body.len()
        );
        let answer: Arc<str> = answer.into();
        let seen = Arc::clone(&requests);
        let accepting = Accepting::start(listener, move |connection| {
            let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
            // A peer that goes away early has had what it wanted.
            tokio::spawn(async move { drop(serve(connection, &answer, &seen).await) });
        });
        Ok(Self {
            port,
            requests,
            _accepting: accepting,
        })
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        self.port.url()
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> &Port {
        &self.port
    }

    /// Requests so far: method and path of each, such as `GET /healthz`.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How many requests came so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.requests().len()
    }
}

/// Reads the whole request before it answers: closing over unread bytes would reset the connection, and the client
/// would see that instead of the answer.
async fn serve(
    mut connection: TcpStream,
    answer: &str,
    seen: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if connection.read_buf(&mut bytes).await? == 0 || bytes.len() > LONGEST_HEAD {
            return Ok(());
        }
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let head = String::from_utf8_lossy(bytes.get(..head_end).unwrap_or_default()).into_owned();
    let line: Vec<&str> = head.split(' ').take(2).collect();
    seen.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(line.join(" "));
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    let mut missing = length.unwrap_or(0).saturating_sub(bytes.len() - head_end);
    let mut sink = vec![0_u8; 64 * 1024];
    while missing > 0 {
        let read = connection.read(&mut sink).await?;
        if read == 0 {
            return Ok(());
        }
        missing = missing.saturating_sub(read);
    }
    connection.write_all(answer.as_bytes()).await?;
    connection.shutdown().await
}
