//! Why there is no key.

/// Why the vault gave no key. "Could not ask" and "there is none" are different things.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// Keyring and key file can be read, and hold no key for the account.
    #[error("the keyring holds no key for this account")]
    Missing,
    /// The keyring is locked, and nobody unlocked it.
    #[error(
        "the keyring is locked; unlock it (log in to the desktop, or open its password program)"
    )]
    Locked,
    /// There is no keyring: no session bus, no service on it, or no collection to keep a key in.
    #[error("this session has no keyring: {0}")]
    Absent(String),
    /// The keyring refuses this program.
    #[error("the keyring refuses this program: {0}")]
    Denied(String),
    /// Something else went wrong.
    #[error("the keyring failed: {0}")]
    Failed(String),
    /// No answer in time; the call goes on, and its answer serves the next one.
    #[error("the keyring has not answered yet; it may be waiting for its password")]
    TimedOut,
}

impl VaultError {
    /// A stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "vault_missing",
            Self::Locked => "vault_locked",
            Self::Absent(_) => "vault_absent",
            Self::Denied(_) => "vault_denied",
            Self::Failed(_) => "vault_failed",
            Self::TimedOut => "vault_timed_out",
        }
    }
}
