//! A server's address, checked before anything is sent to it.

use std::fmt;

use url::{Host, Url};

/// The address of a server: `https://…`, or `http://` to this computer only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress(Url);

/// Why an address cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is not a web address.
    #[error("“{0}” is not a server address. Write it like https://freewheel.example.org")]
    NotAUrl(String),
    /// It is neither https nor http.
    #[error("“{0}” does not start with https://. Write it like https://freewheel.example.org")]
    Scheme(String),
    /// Passwords would travel in clear text.
    #[error(
        "“{0}” is not encrypted, and your password would travel in the open. Use https:// (http:// works only for a server on this computer, for example http://127.0.0.1:8787)"
    )]
    NotEncrypted(String),
    /// It carries more than a place.
    #[error(
        "“{0}” carries a user name, a query or a fragment. Leave only the address, like https://freewheel.example.org"
    )]
    TooMuch(String),
}

impl ServerAddress {
    /// Reads an address as a person types it; a trailing slash does not matter.
    ///
    /// # Errors
    /// See [`AddressError`].
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let shown = || text.chars().take(200).collect::<String>();
        let mut url = Url::parse(text).map_err(|_| AddressError::NotAUrl(shown()))?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return Err(AddressError::NotEncrypted(shown())),
            _ if url.has_host() => return Err(AddressError::Scheme(shown())),
            _ => return Err(AddressError::NotAUrl(shown())),
        }
        let bare = url.username().is_empty() && url.password().is_none();
        if !bare || url.query().is_some() || url.fragment().is_some() {
            // The address itself may hold a password: it is not repeated.
            let host = url.host_str().unwrap_or("the address");
            return Err(AddressError::TooMuch(host.to_owned()));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }

    /// The address without a trailing slash; also the issuer's identifier.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// An address below this one. `path` starts with a slash.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.as_str())
    }

    /// The well-known place `name` of this address: between host and path (RFC 8414 §3.1, RFC 9728 §3.1).
    #[must_use]
    pub fn well_known(&self, name: &str) -> String {
        let path = self.0.path().trim_end_matches('/');
        let mut url = self.0.clone();
        url.set_path(&format!("/.well-known/{name}{path}"));
        url.into()
    }

    /// Whether the server is on this computer.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// Scheme, host and port of the address, as the key of a retry budget.
    #[must_use]
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// Whether `url` is a usable endpoint of this server, when it is an issuer: encrypted, or on this computer where the
    /// server itself is. What a distant server names on this computer is somebody else's. Nothing but the web: one of
    /// them is opened by the system, which has a program for many a scheme.
    #[must_use]
    pub fn allows_endpoint(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| match url.scheme() {
            "https" => url.has_host(),
            "http" => self.is_loopback() && is_loopback(&url),
            _ => false,
        })
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_type_them() {
        for (text, expected) in [
            ("https://ride.example.org", "https://ride.example.org"),
            ("  https://ride.example.org/ ", "https://ride.example.org"),
            (
                "https://example.org/freewheel/",
                "https://example.org/freewheel",
            ),
            ("http://127.0.0.1:8787", "http://127.0.0.1:8787"),
            ("http://[::1]:8787/", "http://[::1]:8787"),
            ("http://localhost:8787", "http://localhost:8787"),
        ] {
            assert_eq!(ServerAddress::parse(text).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn a_well_known_place_stands_before_the_path() {
        for (address, expected) in [
            ("https://a.example", "https://a.example/.well-known/x"),
            ("https://a.example/", "https://a.example/.well-known/x"),
            (
                "https://a.example:8443/b/c/",
                "https://a.example:8443/.well-known/x/b/c",
            ),
        ] {
            assert_eq!(
                ServerAddress::parse(address).unwrap().well_known("x"),
                expected
            );
        }
    }

    #[test]
    fn what_is_no_safe_address_is_refused_by_name() {
        use AddressError as E;
        type Refused = fn(String) -> E;
        let cases: [(&str, Refused); 8] = [
            ("", E::NotAUrl),
            ("ride.example.org", E::NotAUrl),
            ("not a url", E::NotAUrl),
            ("mailto:a@example.org", E::NotAUrl),
            ("ftp://ride.example.org", E::Scheme),
            ("http://ride.example.org", E::NotEncrypted),
            ("http://127.0.0.1.example.org", E::NotEncrypted),
            ("http://192.168.0.4:8787", E::NotEncrypted),
        ];
        for (text, error) in cases {
            assert_eq!(
                ServerAddress::parse(text),
                Err(error(text.to_owned())),
                "{text}"
            );
        }
        let with_password = ServerAddress::parse("https://me:secret@ride.example.org").unwrap_err();
        assert!(!with_password.to_string().contains("secret"));
        assert!(ServerAddress::parse("https://ride.example.org/?a=b").is_err());
    }
    #[test]
    fn an_endpoint_is_a_web_address_and_nothing_that_another_program_would_open() {
        let [distant, here, here_encrypted] = [
            "https://id.example.org",
            "http://127.0.0.1:8787",
            "https://localhost:8787",
        ]
        .map(|address| ServerAddress::parse(address).unwrap());
        for (url, of_distant, of_here) in [
            ("https://id.example.org/authorize", true, true),
            ("https://127.0.0.1:8787/oauth/authorize", true, true),
            ("http://127.0.0.1:8787/oauth/authorize", false, true),
            ("http://[::1]:8787/oauth/authorize", false, true),
            ("http://localhost/oauth/authorize", false, true),
            ("http://id.example.org/authorize", false, false),
            ("http://127.0.0.1.example.org/authorize", false, false),
            ("ftp://127.0.0.1/x", false, false),
            ("smb://localhost/share", false, false),
            ("vscode://localhost/open", false, false),
            ("file://localhost/etc/passwd", false, false),
            ("javascript:alert(1)", false, false),
            ("--help", false, false),
            ("", false, false),
        ] {
            assert_eq!(distant.allows_endpoint(url), of_distant, "{url}");
            assert_eq!(here.allows_endpoint(url), of_here, "{url}");
            assert_eq!(here_encrypted.allows_endpoint(url), of_here, "{url}");
        }
    }
}
