//! Whose tokens a service takes, as it says itself (RFC 9728).

use freewheel_protocol::oauth::ResourceMetadata;

use super::{Http, ServerAddress};

/// Where the service says it.
const NAME: &str = "oauth-protected-resource";

/// A service that leaves signing in to another server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// Who signs in.
    pub issuer: ServerAddress,
    /// The service's own name, which the tokens have to be for (RFC 8707).
    pub resource: String,
}

/// Asks the service at `address` whose tokens it takes. A service that does not say, or says what cannot be used, is
/// its own issuer: then there is nothing.
pub async fn delegation(http: &Http, address: &ServerAddress) -> Option<Delegation> {
    let request = http.client().get(address.well_known(NAME));
    let reply = http.send_small(request).await.ok()?;
    read(reply.document().ok()?, address)
}

fn read(metadata: ResourceMetadata, address: &ServerAddress) -> Option<Delegation> {
    // Somebody else's metadata says nothing of this service (RFC 9728 §3.3).
    let resource = metadata.resource;
    if resource != address.as_str() && resource.strip_suffix('/') != Some(address.as_str()) {
        return None;
    }
    let first = metadata.authorization_servers.first()?;
    // A distant service that names an issuer in the clear on this computer means somebody else's program.
    let issuer = ServerAddress::parse(first)
        .ok()
        .filter(|issuer| address.allows_endpoint(issuer.as_str()))?;
    (issuer != *address).then_some(Delegation { issuer, resource })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_service_that_speaks_for_itself_and_names_a_safe_issuer_delegates() {
        let address = ServerAddress::parse("https://api.example.org/v").unwrap();
        let here = ServerAddress::parse("http://127.0.0.1:8").unwrap();
        let document =
            json!({"resource": here.as_str(), "authorization_servers": ["http://127.0.0.1:9/a"]});
        let delegation = read(serde_json::from_value(document).unwrap(), &here).unwrap();
        assert_eq!(delegation.issuer.as_str(), "http://127.0.0.1:9/a");
        for (resource, issuers, expected) in [
            (
                "https://api.example.org/v",
                json!(["https://id.example.org/"]),
                Some("https://id.example.org"),
            ),
            (
                "https://api.example.org/v/",
                json!(["http://127.0.0.1:9/a", "https://b.example"]),
                None,
            ),
            (
                "https://api.example.org/v",
                json!(["https://api.example.org/v"]),
                None,
            ),
            (
                "https://api.example.org/v",
                json!(["http://id.example.org"]),
                None,
            ),
            ("https://api.example.org/v", json!([]), None),
            (
                "https://api.example.org",
                json!(["https://id.example.org"]),
                None,
            ),
            ("", json!(["https://id.example.org"]), None),
        ] {
            let document = json!({"resource": resource, "authorization_servers": issuers});
            let delegation = read(serde_json::from_value(document).unwrap(), &address);
            let issuer = delegation
                .as_ref()
                .map(|delegation| delegation.issuer.as_str());
            assert_eq!(issuer, expected, "{resource} {issuers}");
            assert!(delegation.is_none_or(|delegation| delegation.resource == resource));
        }
    }
}
