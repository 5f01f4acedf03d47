//! What an issuer says of itself: fetched from its well-known places, and checked before any of it is used (RFC 8414
//! §3.3, OpenID Connect Discovery 1.0 §4.3).

use freewheel_policy::transport::{TransportFailure, Trouble};
use freewheel_protocol::oauth::{IssuerMetadata, METADATA_PATH};
use serde_json::{Map, Value};

use super::issuer::IssuerError;
use super::{Http, Reply, ServerAddress};
use crate::jwt;

/// The other well-known place, for issuers that are not OpenID providers by name (RFC 8414 §3).
const OAUTH: &str = "oauth-authorization-server";

/// Why an issuer's metadata cannot be used. Each names the field; the remedy is the operator's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// Not a JSON object.
    #[error("it is not a JSON object")]
    NotAnObject,
    /// A field that must be there is not.
    #[error("“{0}” is missing")]
    Missing(&'static str),
    /// A field has another type than its definition says.
    #[error("“{0}” is not of the right type")]
    WrongType(&'static str),
    /// Another issuer's metadata (RFC 8414 §3.3).
    #[error("“issuer” is {said}, not {asked}")]
    OtherIssuer {
        /// What it says.
        said: String,
        /// Who was asked.
        asked: String,
    },
    /// Passwords, codes or tokens would travel in the open, or another program would be started.
    #[error("“{0}” is neither an https address nor, for an issuer on this computer, one on it too")]
    Endpoint(&'static str),
    /// A list lacks what this app needs.
    #[error("“{field}” does not offer {wanted}")]
    NotOffered {
        /// The list.
        field: &'static str,
        /// What is missing in it.
        wanted: &'static str,
    },
}

/// Fetches the issuer's metadata and checks it: at the OpenID place, or else at the OAuth one.
///
/// # Errors
/// See [`IssuerError`].
pub async fn fetch(http: &Http, address: &ServerAddress) -> Result<IssuerMetadata, IssuerError> {
    let mut reply = ask(http, &address.join(METADATA_PATH)).await?;
    if reply.is_misplaced() {
        reply = ask(http, &address.well_known(OAUTH)).await?;
    }
    if reply.is_misplaced() {
        return Err(IssuerError::NoMetadata);
    }
    let document = reply.document().map_err(IssuerError::Trouble)?;
    check(document, address).map_err(IssuerError::Metadata)
}

/// Checks metadata that the issuer at `address` gave.
///
/// # Errors
/// See [`MetadataError`].
pub fn check(document: Value, address: &ServerAddress) -> Result<IssuerMetadata, MetadataError> {
    let Value::Object(fields) = &document else {
        return Err(MetadataError::NotAnObject);
    };
    is_of(fields, address)?;
    for field in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
        let url = text(fields, field)?.ok_or(MetadataError::Missing(field))?;
        endpoint(address, field, url)?;
    }
    for field in ["revocation_endpoint", "device_authorization_endpoint"] {
        if let Some(url) = text(fields, field)? {
            endpoint(address, field, url)?;
        }
    }
    offers(fields, "response_types_supported", "code", &["code"])?;
    offers(
        fields,
        "code_challenge_methods_supported",
        "S256",
        &["S256"],
    )?;
    offers(
        fields,
        "id_token_signing_alg_values_supported",
        "ES256, EdDSA or RS256",
        &["ES256", "EdDSA", "RS256"],
    )?;
    serde_json::from_value(document).map_err(|_| MetadataError::NotAnObject)
}

/// Whether the issuer names itself in its answers to the browser (RFC 9207 §3).
#[must_use]
pub fn names_itself(metadata: &IssuerMetadata) -> bool {
    let announced = "authorization_response_iss_parameter_supported";
    metadata.extra.get(announced).and_then(Value::as_bool) == Some(true)
}

/// Of the scopes that this app would like, those that the issuer offers; it need not tell, and then all are asked for.
#[must_use]
pub fn offered_scopes<'a>(metadata: &IssuerMetadata, wanted: &[&'a str]) -> Vec<&'a str> {
    let offered = metadata
        .extra
        .get("scopes_supported")
        .and_then(Value::as_array);
    let is_offered = |scope: &&&str| {
        **scope == "openid"
            || offered.is_none_or(|offered| offered.iter().any(|o| o.as_str() == Some(**scope)))
    };
    wanted.iter().filter(is_offered).copied().collect()
}

/// The algorithms that the issuer's tokens may be signed with.
#[must_use]
pub fn algorithms(metadata: &IssuerMetadata) -> Vec<jsonwebtoken::Algorithm> {
    jwt::pinned_algorithms(&metadata.id_token_signing_alg_values_supported)
}

async fn ask(http: &Http, url: &str) -> Result<Reply, IssuerError> {
    let trouble = |failure: TransportFailure| IssuerError::Trouble(Trouble::Transport(failure));
    let request = http.client().get(url);
    http.send_small(request).await.map_err(trouble)
}

/// The issuer's name must be the address that was asked, to the letter; only a slash at its end, which many issuers
/// have and people leave out, makes no difference.
fn is_of(fields: &Map<String, Value>, address: &ServerAddress) -> Result<(), MetadataError> {
    let said = text(fields, "issuer")?.ok_or(MetadataError::Missing("issuer"))?;
    let asked = address.as_str();
    if said == asked || said.strip_suffix('/') == Some(asked) {
        return Ok(());
    }
    let shown = said.chars().filter(|c| !c.is_control()).take(200);
    Err(MetadataError::OtherIssuer {
        said: shown.collect(),
        asked: asked.to_owned(),
    })
}

fn endpoint(address: &ServerAddress, field: &'static str, url: &str) -> Result<(), MetadataError> {
    if address.allows_endpoint(url) {
        Ok(())
    } else {
        Err(MetadataError::Endpoint(field))
    }
}

/// A field that is a text; absent and `null` are the same.
fn text<'a>(
    fields: &'a Map<String, Value>,
    field: &'static str,
) -> Result<Option<&'a str>, MetadataError> {
    match fields.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(MetadataError::WrongType(field)),
    }
}

/// A list that is given must hold one of `any_of`; one that is not given says nothing.
fn offers(
    fields: &Map<String, Value>,
    field: &'static str,
    wanted: &'static str,
    any_of: &[&str],
) -> Result<(), MetadataError> {
    let list = match fields.get(field) {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(MetadataError::WrongType(field)),
    };
    let offered = |value: &Value| value.as_str().is_some_and(|text| any_of.contains(&text));
    if list.iter().any(offered) {
        Ok(())
    } else {
        Err(MetadataError::NotOffered { field, wanted })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn address() -> ServerAddress {
        ServerAddress::parse("https://id.example.org/tenant").unwrap()
    }

    fn good() -> Value {
        json!({
            "issuer": "https://id.example.org/tenant",
            "authorization_endpoint": "https://id.example.org/authorize",
            "token_endpoint": "https://api.example.org/token",
            "jwks_uri": "https://keys.example.org/jwks",
            "response_types_supported": ["code", "id_token"],
            "code_challenge_methods_supported": ["plain", "S256"],
            "id_token_signing_alg_values_supported": ["HS256", "RS256"],
            "scopes_supported": ["openid", "offline_access"],
            "authorization_response_iss_parameter_supported": true,
        })
    }

    fn with(field: &str, value: Value) -> Result<IssuerMetadata, MetadataError> {
        let mut document = good();
        document[field] = value;
        check(document, &address())
    }

    #[test]
    fn good_metadata_is_taken_with_or_without_a_slash_at_the_issuers_end() {
        let metadata = check(good(), &address()).unwrap();
        assert!(names_itself(&metadata));
        assert_eq!(
            offered_scopes(&metadata, &["openid", "profile", "offline_access"]),
            ["openid", "offline_access"]
        );
        assert_eq!(algorithms(&metadata), [jsonwebtoken::Algorithm::RS256]);
        assert!(with("issuer", json!("https://id.example.org/tenant/")).is_ok());
        for unsaid in [
            "response_types_supported",
            "code_challenge_methods_supported",
            "id_token_signing_alg_values_supported",
            "scopes_supported",
            "revocation_endpoint",
        ] {
            let mut document = good();
            document.as_object_mut().unwrap().remove(unsaid);
            assert!(check(document, &address()).is_ok(), "{unsaid}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_by_its_field() {
        use MetadataError as E;
        for issuer in [
            "https://id.example.org",
            "https://id.example.org/tenant//",
            "https://id.example.org/Tenant",
            "http://id.example.org/tenant",
            "https://id.example.org/tenant?x",
            "",
        ] {
            let refused = with("issuer", json!(issuer)).unwrap_err();
            assert!(matches!(refused, E::OtherIssuer { .. }), "{issuer}");
        }
        for field in [
            "authorization_endpoint",
            "token_endpoint",
            "jwks_uri",
            "revocation_endpoint",
            "device_authorization_endpoint",
        ] {
            for url in [
                "http://id.example.org/x",
                "http://127.0.0.1:8787/x",
                "javascript:alert(1)",
                "/x",
                "",
            ] {
                assert_eq!(with(field, json!(url)), Err(E::Endpoint(field)), "{url}");
            }
            assert_eq!(with(field, json!(7)), Err(E::WrongType(field)));
        }
        for field in [
            "issuer",
            "authorization_endpoint",
            "token_endpoint",
            "jwks_uri",
        ] {
            assert_eq!(with(field, Value::Null), Err(E::Missing(field)));
        }
        for (field, list) in [
            ("response_types_supported", json!(["token"])),
            ("code_challenge_methods_supported", json!(["plain"])),
            ("code_challenge_methods_supported", json!([])),
            (
                "id_token_signing_alg_values_supported",
                json!(["HS256", "none"]),
            ),
        ] {
            let refused = with(field, list).unwrap_err();
            assert!(matches!(refused, E::NotOffered { field: f, .. } if f == field));
            assert!(refused.to_string().contains(field));
        }
        assert_eq!(check(json!([1]), &address()), Err(E::NotAnObject));
    }

    proptest! {
        #[test]
        fn strange_values_in_any_field_are_refused_or_taken_and_never_panic(
            field in prop::sample::select(good().as_object().unwrap().keys().cloned().collect::<Vec<_>>()),
            value in prop_oneof![
                any::<String>().prop_map(Value::from),
                any::<i64>().prop_map(Value::from),
                prop::collection::vec(any::<String>(), 0..4).prop_map(Value::from),
                Just(Value::Null),
                Just(json!({"a": [{}]})),
            ],
        ) {
            if let Ok(metadata) = with(&field, value) {
                prop_assert!(address().allows_endpoint(&metadata.token_endpoint));
                prop_assert!(metadata.issuer.starts_with(address().as_str()));
            }
        }

        #[test]
        fn strange_bytes_never_panic(at in 0_usize..400, bytes in prop::collection::vec(any::<u8>(), 0..8)) {
            let mut document = good().to_string().into_bytes();
            let at = at.min(document.len());
            document.splice(at..(at + bytes.len()).min(document.len()), bytes);
            if let Ok(document) = serde_json::from_slice(&document) {
                drop(check(document, &address()));
            }
        }
    }
}
