//! Rows 37 and 38: forged access tokens.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::jwt::{shown_keys, signing_key};
use super::past::not_asked_to_sign_in;
use super::past::unexpected;
use crate::LabError;
use crate::scenario::play::{Play, play};
use crate::scenario::{Findings, Stage, TOKEN};
use crate::site::Way;

/// What stands before the point of a P-256 key in a SubjectPublicKeyInfo (RFC 5480 §2).
const SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

pub(super) fn rows() -> Result<Vec<Play>, LabError> {
    Ok(vec![
        play!("37-times-as-text", times_as_text)?.look(forgery_went_nowhere),
        play!("38-algorithm-confusion", algorithm_confusion)?.look(forgery_went_nowhere),
    ])
}

/// Access tokens whose one fault is that a time is a text; the service's own key signs them.
async fn times_as_text(stage: &mut Stage) -> Result<(), LabError> {
    let key = signing_key(stage)?;
    forge(stage, move |turn, header, mut claims| {
        let claim = if turn % 2 == 0 { "exp" } else { "nbf" };
        let time = claims.get("exp")?.as_i64()?;
        let text = json!(time.to_string());
        claims.as_object_mut()?.insert(claim.to_owned(), text);
        jsonwebtoken::encode(&header, &claims, &key).ok()
    })?;
    stage.token_expires()
}

/// Access tokens that say `none`, and such as are signed with the public key as if it were a shared secret.
async fn algorithm_confusion(stage: &mut Stage) -> Result<(), LabError> {
    let public = public_key_as_pem(stage).await?;
    forge(stage, move |turn, mut header, claims| {
        if turn % 2 == 0 {
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let head = json!({"alg": "none", "typ": header.typ, "kid": header.kid});
            return Some(format!("{}.{}.", part(&head), part(&claims)));
        }
        header.alg = Algorithm::HS256;
        let secret = EncodingKey::from_secret(public.as_bytes());
        jsonwebtoken::encode(&header, &claims, &secret).ok()
    })?;
    stage.token_expires()
}

/// From now on every access token from the token endpoint is one that `forger` makes, from the number of the answer and
/// the genuine token's header and claims.
fn forge(
    stage: &mut Stage,
    forger: impl Fn(usize, Header, Value) -> Option<String> + Clone + Send + 'static,
) -> Result<(), LabError> {
    stage.keep(ForgedSince(stage.gate()?.log().len()));
    let mut turn = 0;
    stage.gate()?.only(TOKEN, move || {
        let forger = forger.clone();
        let this = turn;
        turn += 1;
        Way::Change(Box::new(move |status, body| {
            // Another status would lead to other words on the screen than the row's.
            with_access_token(&body, |genuine| {
                let header = jsonwebtoken::decode_header(genuine).ok()?;
                forger(this, header, claims(genuine)?)
            })
            .map_or((500, body), |body| (status, body))
        }))
    });
    Ok(())
}

fn with_access_token(body: &[u8], change: impl Fn(&str) -> Option<String>) -> Option<Vec<u8>> {
    let mut answer: Value = serde_json::from_slice(body).ok()?;
    let forged = change(answer.get("access_token")?.as_str()?)?;
    let fields = answer.as_object_mut()?;
    fields.insert("access_token".to_owned(), forged.into());
    serde_json::to_vec(&answer).ok()
}

fn claims(token: &str) -> Option<Value> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&claims).ok()
}

/// Requests before the first forgery.
struct ForgedSince(usize);

/// No call was made with a forged token, and nobody was asked to sign in because of one.
async fn forgery_went_nowhere(stage: &mut Stage, findings: &mut Findings) -> Result<(), LabError> {
    let ForgedSince(before) = *stage.kept()?;
    let log = stage.gate()?.log();
    // Before the first answer there is no forged token: a call of that time was under way with a genuine one.
    let since = log.iter().skip(before);
    let since = since.skip_while(|line| !line.contains(TOKEN));
    let calls = since.filter(|line| line.contains(" /v1/")).count();
    findings.same("calls with a forged token", &0, &calls);
    not_asked_to_sign_in(stage, findings)
}

/// The service's public key as everybody has it: what a careless library takes for the secret of an HMAC.
async fn public_key_as_pem(stage: &Stage) -> Result<String, LabError> {
    let keys = serde_json::to_value(shown_keys(stage).await?)
        .map_err(|error| unexpected(format!("the keys: {error}")))?;
    let part = |name: &str| {
        let text = keys.pointer(&format!("/keys/0/{name}"))?.as_str()?;
        URL_SAFE_NO_PAD.decode(text).ok()
    };
    let (Some(x), Some(y)) = (part("x"), part("y")) else {
        return Err(unexpected(format!("not a P-256 key: {keys}")));
    };
    let der = STANDARD.encode([&SPKI[..], &[4], &x, &y].concat());
    let (first, second) = der.split_at(64.min(der.len()));
    Ok(format!(
        "-----BEGIN PUBLIC KEY-----\n{first}\n{second}\n-----END PUBLIC KEY-----\n"
    ))
}
