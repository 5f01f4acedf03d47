//! Forged and odd tokens, signed for real: each is refused for its own reason.

use freewheel_policy::time::WallMs;
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};

use super::*;

const ISSUER: &str = "https://id.example.org/";
const CLIENT: &str = "freewheel-desktop";

/// A key pair of a forger or of the issuer.
struct Pair {
    algorithm: Algorithm,
    private: EncodingKey,
    public: Jwk,
}

impl Pair {
    fn es256(kid: &str) -> Self {
        use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let private = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
        Self::new(Algorithm::ES256, private, kid)
    }

    fn eddsa(kid: &str) -> Self {
        let pkcs8 = aws_lc_rs::signature::Ed25519KeyPair::generate_pkcs8v1(
            &aws_lc_rs::rand::SystemRandom::new(),
        );
        let private = EncodingKey::from_ed_der(pkcs8.unwrap().as_ref());
        Self::new(Algorithm::EdDSA, private, kid)
    }

    fn rs256(kid: &str) -> Self {
        use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
        let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        // The library wants the bare RSAPrivateKey, which ends the PKCS #8 document after a head of 26 bytes.
        let private = EncodingKey::from_rsa_der(&pkcs8.as_ref()[26..]);
        Self::new(Algorithm::RS256, private, kid)
    }

    fn new(algorithm: Algorithm, private: EncodingKey, kid: &str) -> Self {
        assert!(is_ready());
        let mut public = Jwk::from_encoding_key(&private, algorithm).unwrap();
        public.common.key_id = Some(kid.to_owned());
        Self {
            algorithm,
            private,
            public,
        }
    }

    fn sign(&self, claims: &Value) -> String {
        let kid = self.public.common.key_id.clone();
        let mut header = jsonwebtoken::Header::new(self.algorithm);
        header.kid = kid;
        jsonwebtoken::encode(&header, claims, &self.private).unwrap()
    }

    /// Signed, under a header that says whatever it likes.
    fn sign_under(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &self.private, self.algorithm);
        format!("{message}.{}", signature.unwrap())
    }
}

fn set(pairs: &[&Pair]) -> JwkSet {
    JwkSet {
        keys: pairs.iter().map(|pair| pair.public.clone()).collect(),
    }
}

fn claims() -> Value {
    json!({"iss": ISSUER, "sub": "ada", "aud": CLIENT, "iat": 1000, "exp": 2000, "nonce": "n"})
}

fn with(claim: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[claim] = value;
    claims
}

fn read(token: &str, keys: &JwkSet) -> Result<Claims, JwtError> {
    let expected = Expected {
        issuer: ISSUER,
        algorithms: &[Algorithm::ES256],
        audience: Audience::Client(CLIENT),
    };
    verify(token, keys, expected)
}

#[test]
fn the_cryptography_is_there_however_often_it_is_asked_for() {
    assert!(is_ready() && is_ready());
}

#[test]
fn tokens_of_each_pinned_algorithm_are_believed() {
    for pair in [Pair::es256("k"), Pair::eddsa("k"), Pair::rs256("k")] {
        let expected = Expected {
            issuer: ISSUER,
            algorithms: &[pair.algorithm],
            audience: Audience::Client(CLIENT),
        };
        let token = pair.sign(&claims());
        let verified = verify(&token, &set(&[&pair]), expected).unwrap();
        assert_eq!(verified.sub, "ada", "{:?}", pair.algorithm);
        // The same token, where the issuer does not use that algorithm.
        let others = pinned_algorithms(&[]);
        if others != [pair.algorithm] {
            assert_eq!(read(&token, &set(&[&pair])), Err(JwtError::Algorithm));
        }
    }
}

#[test]
fn no_signature_and_a_public_key_as_a_secret_are_refused() {
    let pair = Pair::es256("k");
    let keys = set(&[&pair]);
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    for algorithm in ["none", "None", "nOnE", "HS256", "HS512", "ES512", ""] {
        let header = json!({"alg": algorithm, "kid": "k"});
        for signature in ["", "AA"] {
            let token = format!("{}.{}.{signature}", part(&header), part(&claims()));
            assert_eq!(read(&token, &keys), Err(JwtError::Algorithm), "{algorithm}");
        }
    }
    let public = serde_json::to_string(&pair.public).unwrap();
    let secret = EncodingKey::from_secret(public.as_bytes());
    let confused = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims(), &secret);
    assert_eq!(read(&confused.unwrap(), &keys), Err(JwtError::Algorithm));
    // A JWK that says it is a shared secret signs nothing either.
    let shared = json!({"keys": [{"kty": "oct", "kid": "k", "k": "AAAA"}]});
    let shared: JwkSet = serde_json::from_value(shared).unwrap();
    let token = pair.sign(&claims());
    assert_eq!(read(&token, &shared), Err(JwtError::UnknownKey));
}

#[test]
fn an_unknown_key_and_a_changed_one_are_told_apart_and_both_may_be_stale() {
    let (old, new) = (Pair::es256("k"), Pair::es256("k"));
    let other = Pair::es256("k2");
    let unknown = read(&other.sign(&claims()), &set(&[&old])).unwrap_err();
    assert_eq!(unknown, JwtError::UnknownKey);
    let changed = read(&new.sign(&claims()), &set(&[&old])).unwrap_err();
    assert_eq!(changed, JwtError::Signature);
    assert!(unknown.may_be_stale_keys() && changed.may_be_stale_keys());
    // Two keys under one name, and a token without a name: each is tried.
    assert!(read(&new.sign(&claims()), &set(&[&old, &new])).is_ok());
    let nameless = new.sign_under(&json!({"alg": "ES256"}), &claims());
    assert!(read(&nameless, &set(&[&other, &new])).is_ok());
    assert_eq!(read(&nameless, &set(&[])), Err(JwtError::UnknownKey));
    let mut for_encryption = set(&[&new]);
    for_encryption.keys[0].common.public_key_use = Some(PublicKeyUse::Encryption);
    assert_eq!(read(&nameless, &for_encryption), Err(JwtError::UnknownKey));
    assert_eq!(
        read(&nameless, &set(&[&Pair::rs256("k")])),
        Err(JwtError::UnknownKey)
    );
}

#[test]
fn claims_of_the_wrong_type_are_refused() {
    let pair = Pair::es256("k");
    let keys = set(&[&pair]);
    for (claim, value) in [
        ("exp", json!("2000")),
        ("exp", Value::Null),
        ("nbf", json!("1000")),
        ("iat", json!("1000")),
        ("sub", json!(7)),
        ("iss", json!([ISSUER])),
        ("aud", json!({"a": 1})),
        ("offline_grace", json!(-1)),
    ] {
        let token = pair.sign(&with(claim, value.clone()));
        assert_eq!(
            read(&token, &keys),
            Err(JwtError::Malformed),
            "{claim} {value}"
        );
    }
    let fraction = pair.sign(&with("exp", json!(2000.75)));
    assert_eq!(read(&fraction, &keys).unwrap().exp, Seconds(2000));
    let critical = pair.sign_under(
        &json!({"alg": "ES256", "kid": "k", "crit": ["b64"]}),
        &claims(),
    );
    assert_eq!(read(&critical, &keys), Err(JwtError::Malformed));
}

#[test]
fn a_token_is_of_this_issuer_and_for_this_program() {
    let pair = Pair::es256("k");
    let keys = set(&[&pair]);
    for issuer in ["https://id.example.org", "https://other.example", ""] {
        let token = pair.sign(&with("iss", json!(issuer)));
        assert_eq!(read(&token, &keys), Err(JwtError::OtherIssuer), "{issuer}");
    }
    for (audience, azp, ours) in [
        (json!(CLIENT), None, true),
        (json!(CLIENT), Some(CLIENT), true),
        (json!(CLIENT), Some("another"), false),
        (json!([CLIENT]), None, true),
        (json!([CLIENT, "another"]), Some(CLIENT), true),
        (json!([CLIENT, "another"]), None, false),
        (json!(["another"]), Some(CLIENT), false),
        (json!("freewheel-api"), None, false),
        (json!([]), None, false),
    ] {
        let mut claims = with("aud", audience.clone());
        claims["azp"] = json!(azp);
        let read = read(&pair.sign(&claims), &keys);
        assert_eq!(read.is_ok(), ours, "{audience} {azp:?} {read:?}");
    }
    // An access token does not pass for an ID token, whatever it says of its audience.
    let access = pair.sign_under(
        &json!({"alg": "ES256", "kid": "k", "typ": "at+jwt"}),
        &claims(),
    );
    assert_eq!(read(&access, &keys), Err(JwtError::OtherAudience));
    let api = Expected {
        issuer: ISSUER,
        algorithms: &[Algorithm::ES256],
        audience: Audience::Api(&["freewheel-api", "https://api.example.org"]),
    };
    for (audience, ours) in [
        (json!("freewheel-api"), true),
        (json!(["x", "https://api.example.org"]), true),
        (json!(CLIENT), false),
    ] {
        let token = pair.sign(&with("aud", audience.clone()));
        assert_eq!(verify(&token, &keys, api).is_ok(), ours, "{audience}");
    }
}

#[test]
fn what_is_no_jwt_is_opaque_and_nothing_panics() {
    let keys = set(&[&Pair::es256("k")]);
    for token in [
        "",
        "abc",
        "a.b",
        "a.b.c",
        "a.b.c.d.e",
        "eyJhIjoxfQ.e30.x",
        "..",
        "ø.ø.ø",
    ] {
        assert_eq!(read(token, &keys), Err(JwtError::Opaque), "{token}");
    }
    let long = format!("{}.e30.x", "a".repeat(100_000));
    assert_eq!(read(&long, &keys), Err(JwtError::Opaque));
}

proptest::proptest! {
    #[test]
    fn a_token_that_was_changed_anywhere_is_never_believed(at in 0_usize..400, byte in "[A-Za-z0-9_.-]") {
        let pair = Pair::es256("k");
        let token = pair.sign(&claims());
        let at = at % token.len();
        let changed = format!("{}{byte}{}", &token[..at], &token[at + 1..]);
        if changed != token && let Ok(believed) = read(&changed, &set(&[&pair])) {
            // The last character of a part carries bits that mean nothing.
            let original = read(&token, &set(&[&pair])).unwrap();
            proptest::prop_assert_eq!(believed, original);
        }
    }
}

#[test]
fn names_are_shown_and_addresses_are_not_kept() {
    let pair = Pair::es256("k");
    for (name, username, subject, shown) in [
        (json!("Ada L."), json!("ada"), "s", "Ada L."),
        (Value::Null, json!("ada"), "s", "ada"),
        (json!("  "), json!("ada"), "s", "ada"),
        (
            Value::Null,
            json!("ada@example.org"),
            "auth0|0123456789abcdef",
            "auth0|012345",
        ),
        (
            json!("ada@example.org"),
            Value::Null,
            "ada@example.org",
            "ada",
        ),
    ] {
        let mut claims = with("name", name);
        claims["preferred_username"] = username;
        claims["sub"] = json!(subject);
        let claims = read(&pair.sign(&claims), &set(&[&pair])).unwrap();
        assert_eq!(claims.shown_name(), shown);
    }
}

fn times(iat: i64, exp: i64, nbf: Option<i64>) -> Claims {
    let mut claims = with("iat", json!(iat));
    claims["exp"] = json!(exp);
    claims["nbf"] = json!(nbf);
    serde_json::from_value(claims).unwrap()
}

#[test]
fn an_id_token_counts_until_its_end_and_a_slow_clock_does_not_make_it_invalid() {
    let hour = 3600;
    let at = |seconds: i64| WallMs(seconds * 1000);
    let token = times(100 * hour, 101 * hour, None);
    for (now, server, valid) in [
        (100 * hour, Some(100 * hour), true),
        (101 * hour + 300, Some(101 * hour + 300), true),
        (101 * hour + 301, Some(101 * hour + 301), false),
        (100 * hour - 300, Some(100 * hour - 300), true),
        (100 * hour - 301, Some(100 * hour - 301), false),
        // The server did not tell the time.
        (98 * hour, None, true),
        (-hour, None, true),
        (101 * hour + 301, None, false),
    ] {
        let checked = check_id_times(&token, at(now), server.map(at));
        assert_eq!(checked.is_ok(), valid, "{now} {server:?}");
    }
    let later = times(100 * hour, 101 * hour, Some(100 * hour + 400));
    assert!(check_id_times(&later, at(100 * hour), Some(at(100 * hour))).is_err());
    for extreme in [i64::MIN, i64::MAX] {
        let never = check_id_times(&times(extreme, extreme, None), at(0), Some(at(0)));
        assert_eq!(never, Err(JwtError::NotNow));
    }
}

#[test]
fn an_access_token_is_judged_by_the_servers_time_alone_and_its_issue_does_not_matter() {
    let at = |seconds: i64| Some(WallMs(seconds * 1000));
    let token = times(1_000_000, 10_000, None);
    for (server, valid) in [
        (at(0), true),
        (at(10_300), true),
        (at(10_301), false),
        (None, true),
    ] {
        assert_eq!(
            check_access_times(&token, server).is_ok(),
            valid,
            "{server:?}"
        );
    }
    let later = times(0, 10_000, Some(1_000));
    assert_eq!(check_access_times(&later, at(0)), Err(JwtError::NotNow));
    assert_eq!(check_access_times(&later, at(700)), Ok(()));
}
