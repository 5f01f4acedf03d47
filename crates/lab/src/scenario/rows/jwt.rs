//! Row 39: the cryptography that tells a genuine token from a forged one, and the keys of the service.

use std::time::Duration;

use freewheel_protocol::oauth::AUDIENCE;
use freewheel_sync::jwt::{self, Audience, Expected, JwtError};
use jiff::SignedDuration;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::past::{facts, same, unexpected};
use crate::LabError;
use crate::scenario::play::{Play, play};
use crate::scenario::{Findings, Stage};

/// A shorter grace than the program's own, which it learns from a verified token only.
const SHORT_GRACE: SignedDuration = SignedDuration::from_hours(9 * 24);

pub(super) fn rows() -> Result<Vec<Play>, LabError> {
    Ok(vec![
        play!("39-cryptography-at-the-start", cryptography)?
            .world(|settings| settings.offline_grace = Some(SHORT_GRACE))
            .look(token_was_verified),
    ])
}

/// The cryptography that this program was built with is chosen and tried before anything is asked: it believes a token
/// of the service, and does not believe the same one with another signature.
async fn cryptography(stage: &mut Stage) -> Result<(), LabError> {
    same("cryptography at the start", &true, &jwt::is_ready())?;
    let keys = shown_keys(stage).await?;
    let first = keys.keys.first().ok_or_else(|| unexpected("no keys"))?;
    let mut header = Header::new(Algorithm::ES256);
    header.kid = first.common.key_id.clone();
    let issuer = stage.site()?.url.clone();
    let claims = json!({"iss": issuer, "sub": "ada", "aud": AUDIENCE, "exp": 2_000_000_000});
    let sign = |claims: &Value| {
        jsonwebtoken::encode(&header, claims, &signing_key(stage)?)
            .map_err(|error| unexpected(format!("signing: {error}")))
    };
    let genuine = sign(&claims)?;
    let other = sign(&json!({"sub": "eve"}))?;
    let (Some((message, _)), Some((_, seal))) = (genuine.rsplit_once('.'), other.rsplit_once('.'))
    else {
        return Err(unexpected("a token without a signature"));
    };
    let expected = Expected {
        issuer: &issuer,
        algorithms: &[Algorithm::ES256],
        audience: Audience::Api(&[AUDIENCE]),
    };
    let verify = |token: &str| jwt::verify(token, &keys, expected).map(|claims| claims.sub);
    same("a genuine token", &Ok("ada".to_owned()), &verify(&genuine))?;
    let with_other_seal = verify(&format!("{message}.{seal}"));
    same(
        "one with another seal",
        &Err(JwtError::Signature),
        &with_other_seal,
    )?;
    stage.token_expires()
}

/// What only a verified token tells is known.
async fn token_was_verified(stage: &mut Stage, findings: &mut Findings) -> Result<(), LabError> {
    let facts = facts(stage)?;
    let grace = facts
        .pointer("/anchor/offline_grace")
        .and_then(Value::as_u64);
    let short = u64::try_from(SHORT_GRACE.as_millis()).ok();
    findings.same("the grace by the access token, in ms", &short, &grace);
    Ok(())
}

/// The key that the service signs with.
pub(super) fn signing_key(stage: &Stage) -> Result<EncodingKey, LabError> {
    let sql = "SELECT pkcs8 FROM signing_key ORDER BY number DESC LIMIT 1";
    let database = stage.site()?.database()?;
    let pkcs8: Vec<u8> = database.query_row(sql, [], |row| row.get(0))?;
    Ok(EncodingKey::from_ec_der(&pkcs8))
}

/// The keys that the service shows.
pub(super) async fn shown_keys(stage: &Stage) -> Result<JwkSet, LabError> {
    let client = reqwest::Client::builder().no_proxy();
    let client = client.timeout(Duration::from_secs(10)).build()?;
    let url = format!("{}/oauth/jwks", stage.site()?.url);
    Ok(client.get(url).send().await?.json().await?)
}
