//! Sign-in by the device grant (RFC 8628), approved on the provider's own pages.
