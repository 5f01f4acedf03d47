//! Header names and media types that both sides use.

/// Names the protocol version that the sender speaks, in requests and in responses.
pub const PROTOCOL: &str = "freewheel-protocol";
/// The protocol version of this build.
pub const PROTOCOL_VERSION: u32 = 1;
/// Identifies a request across repetitions (draft-ietf-httpapi-idempotency-key-header).
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The digest of the content (RFC 9530 §2).
pub const CONTENT_DIGEST: &str = "content-digest";
/// Identifies one request in the client's journal and in the server's log.
pub const REQUEST_ID: &str = "x-request-id";
/// Media type of a FIT activity file.
pub const FIT_MEDIA_TYPE: &str = "application/vnd.ant.fit";
/// Media type of a problem document (RFC 9457 §3).
pub const PROBLEM_MEDIA_TYPE: &str = "application/problem+json";
