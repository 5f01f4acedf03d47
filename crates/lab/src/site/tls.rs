//! TLS in front of the site: a private certificate authority, and a listener whose certificate can be exchanged.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::LabError;
use crate::accepting::Accepting;
use crate::port::Listener;

/// A certificate authority of the lab's own. Its key lives as long as the lab needs it and guards nothing.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
    key: String,
}

impl Authority {
    /// Makes one that calls itself `name`.
    ///
    /// # Errors
    /// No key could be made.
    pub fn new(name: &str) -> Result<Self, LabError> {
        let key = KeyPair::generate().map_err(unusable)?;
        let params = params(name)?;
        let certificate = params.self_signed(&key).map_err(unusable)?.pem();
        let pem = key.serialize_pem();
        Ok(Self {
            issuer: Issuer::new(params, key),
            certificate,
            key: pem,
        })
    }

    /// Its certificate, as a file of trusted roots holds it.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.certificate
    }

    /// Writes certificate and key as `NAME.pem` and `NAME.key` into `folder`, for another process of the lab; the name is
    /// the one that it was made with.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn save(&self, folder: &Path, name: &str) -> Result<(), LabError> {
        let certificate = folder.join(format!("{name}.pem"));
        let key = folder.join(format!("{name}.key"));
        std::fs::write(&certificate, &self.certificate)
            .and_then(|()| std::fs::write(&key, &self.key))
            .map_err(LabError::io(format!("keeping the authority {name}")))
    }

    /// Reads what [`Authority::save`] wrote.
    ///
    /// # Errors
    /// It is not there, or is something else.
    pub fn load(folder: &Path, name: &str) -> Result<Self, LabError> {
        let read = |ending: &str| {
            let path = folder.join(format!("{name}.{ending}"));
            std::fs::read_to_string(&path).map_err(LabError::io(path.display().to_string()))
        };
        let (certificate, key) = (read("pem")?, read("key")?);
        let pair = KeyPair::from_pem(&key).map_err(unusable)?;
        Ok(Self {
            issuer: Issuer::new(params(name)?, pair),
            certificate,
            key,
        })
    }

    /// A server's settings with a certificate for `names` (DNS names or addresses), signed by this authority.
    ///
    /// # Errors
    /// A name cannot stand in a certificate.
    pub fn server(&self, names: &[&str]) -> Result<Arc<ServerConfig>, LabError> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let key = KeyPair::generate().map_err(unusable)?;
        let params = CertificateParams::new(names).map_err(unusable)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(unusable)?;
        let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(unusable)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .map_err(unusable)?;
        Ok(Arc::new(config))
    }
}

fn params(name: &str) -> Result<CertificateParams, LabError> {
    let mut params = CertificateParams::new(Vec::new()).map_err(unusable)?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn unusable(error: impl std::fmt::Display) -> LabError {
    LabError::Unexpected(format!("the lab's certificates: {error}"))
}

/// The certificate that is shown to whoever connects from now on.
#[derive(Clone)]
pub struct Shown(Arc<Mutex<Arc<ServerConfig>>>);

impl Shown {
    /// Shows this one first.
    #[must_use]
    pub fn new(config: Arc<ServerConfig>) -> Self {
        Self(Arc::new(Mutex::new(config)))
    }

    /// Shows another one from now on; connections that are open stay.
    pub fn show(&self, config: Arc<ServerConfig>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = config;
    }

    fn now(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Listens, shakes hands beside accepting (one peer that says nothing holds up nobody), and hands out what is ready.
pub(super) struct TlsListener {
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
    _accepting: Accepting,
}

impl TlsListener {
    pub(super) fn over(listener: Listener, shown: Shown) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (sender, ready) = mpsc::channel(16);
        let accepting = Accepting::start(listener, move |connection| {
            let (acceptor, sender) = (TlsAcceptor::from(shown.now()), sender.clone());
            tokio::spawn(async move {
                // A client that does not like the certificate goes away; that is what it is shown for.
                if let Ok(peer) = connection.peer_addr()
                    && let Ok(stream) = acceptor.accept(connection).await
                {
                    drop(sender.send((stream, peer)).await);
                }
            });
        });
        Ok(Self {
            ready,
            address,
            _accepting: accepting,
        })
    }
}

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address)
    }
}
