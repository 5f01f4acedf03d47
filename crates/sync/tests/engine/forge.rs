//! An issuer, and a service, that a test can make say anything: its metadata, its keys, and every claim and header of
//! its tokens. It is strict: a refresh token that was spent is refused, and ends the sign-in.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use freewheel_sync::clock::{Clock as _, SystemClock};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::Instant;

pub struct Forge {
    pub url: String,
    shared: Shared,
}

type Shared = Arc<Mutex<Says>>;
type Twist = Box<dyn Fn(&mut Value, &mut Value) + Send>;

/// What it says.
pub struct Says {
    url: String,
    /// Laid over the metadata; `null` removes a field.
    pub metadata: BTreeMap<&'static str, Value>,
    pub protected_resource: Option<Value>,
    pub key: Key,
    /// The keys that it shows.
    pub shown: Vec<Key>,
    pub subject: String,
    /// What the API's tokens are for.
    pub audience: Value,
    pub life: i64,
    /// Changes header and claims of ID tokens, and of access tokens, before they are signed.
    pub twist_id: Twist,
    pub twist_access: Twist,
    /// Signs with nothing, or with another key than the header says.
    pub seal: Option<String>,
    pub opaque: bool,
    /// Gives no refresh token.
    pub gives_no_refresh: bool,
    /// How its refresh tokens end.
    pub refresh_tail: &'static str,
    /// `Date` of the token endpoint's answers, in place of the true one.
    pub date: Option<String>,
    /// Does not say how long an access token lives.
    pub tells_no_life: bool,
    /// Answers calls of the API with 401.
    pub refuses_calls: bool,
    pub names_itself_in_callback: Option<String>,
    /// Answers of the token endpoint to device codes; when they are used up, tokens.
    pub device_answers: Vec<Value>,
    pub device_authorization: BTreeMap<&'static str, Value>,
    /// `METHOD /path` and the form of every request.
    pub log: Vec<Seen>,
    codes: HashMap<String, String>,
    refresh: Option<String>,
    pub revoked: HashSet<String>,
    minted: u32,
    /// The bearer tokens that the API was called with.
    pub bearers: Vec<String>,
}

pub struct Seen {
    pub line: String,
    pub form: HashMap<String, String>,
    pub at: Instant,
}

#[derive(Clone)]
pub struct Key {
    pub private: EncodingKey,
    pub public: Jwk,
}

impl Key {
    pub fn new(kid: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let private = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
        let mut public = Jwk::from_encoding_key(&private, Algorithm::ES256).unwrap();
        public.common.key_id = Some(kid.to_owned());
        Self { private, public }
    }
}

impl Forge {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let key = Key::new("first");
        let says = Says {
            url: url.clone(),
            metadata: BTreeMap::new(),
            protected_resource: None,
            shown: vec![key.clone()],
            key,
            subject: "ada".to_owned(),
            audience: json!("freewheel-api"),
            life: 900,
            twist_id: Box::new(|_, _| {}),
            twist_access: Box::new(|_, _| {}),
            seal: None,
            opaque: false,
            gives_no_refresh: false,
            refresh_tail: "",
            date: None,
            tells_no_life: false,
            refuses_calls: false,
            names_itself_in_callback: None,
            device_answers: Vec::new(),
            device_authorization: BTreeMap::new(),
            log: Vec::new(),
            codes: HashMap::new(),
            refresh: None,
            revoked: HashSet::new(),
            minted: 0,
            bearers: Vec::new(),
        };
        let shared = Arc::new(Mutex::new(says));
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared }
    }

    pub fn says(&self) -> MutexGuard<'_, Says> {
        self.shared.lock().unwrap()
    }

    /// Changes what it says from now on.
    pub fn change(&self, change: impl FnOnce(&mut Says)) {
        change(&mut self.says());
    }

    /// How many requests began with `start`.
    pub fn count(&self, start: &str) -> usize {
        let says = self.says();
        says.log
            .iter()
            .filter(|seen| seen.line.starts_with(start))
            .count()
    }

    /// The forms of all requests that began with `start`.
    pub fn forms(&self, start: &str) -> Vec<HashMap<String, String>> {
        let says = self.says();
        let seen = says.log.iter().filter(|seen| seen.line.starts_with(start));
        seen.map(|seen| seen.form.clone()).collect()
    }

    /// What the browser would be sent back to: everybody agrees here.
    pub async fn agree(authorize: &str) -> String {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let client = client.no_proxy().build().unwrap();
        let sent = client.get(authorize).send().await.unwrap();
        assert_eq!(sent.status(), 302, "{}", sent.text().await.unwrap());
        sent.headers()["location"].to_str().unwrap().to_owned()
    }
}

async fn answer(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let text = match parts.method {
        Method::POST => String::from_utf8(body.to_vec()).unwrap(),
        _ => parts.uri.query().unwrap_or_default().to_owned(),
    };
    let form: HashMap<String, String> = url::form_urlencoded::parse(text.as_bytes())
        .into_owned()
        .collect();
    let line = format!("{} {}", parts.method, parts.uri.path());
    let mut says = shared.lock().unwrap();
    let at = Instant::now();
    says.log.push(Seen {
        line: line.clone(),
        form: form.clone(),
        at,
    });
    if line.contains(" /v1/") {
        let bearer = parts.headers["authorization"].to_str().unwrap().to_owned();
        says.bearers.push(bearer);
        if says.refuses_calls {
            return StatusCode::UNAUTHORIZED.into_response();
        }
    }
    match line.as_str() {
        "GET /.well-known/openid-configuration" => Json(says.describe()).into_response(),
        "GET /.well-known/oauth-protected-resource" => match &says.protected_resource {
            Some(resource) => Json(resource).into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        },
        "GET /jwks" => {
            let keys: Vec<_> = says.shown.iter().map(|key| &key.public).collect();
            Json(json!({ "keys": keys })).into_response()
        }
        "GET /authorize" => says.authorize(&form),
        "POST /device" => Json(says.device()).into_response(),
        "POST /token" => says.token(&form),
        "POST /revoke" => {
            says.revoked.insert(form["token"].clone());
            StatusCode::OK.into_response()
        }
        "GET /v1/changes" => {
            Json(json!({"changes": [], "next_cursor": "1", "more": false})).into_response()
        }
        "GET /v1/rides" => Json(json!({"rides": []})).into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

impl Says {
    fn describe(&self) -> Value {
        let url = &self.url;
        let mut metadata = json!({
            "issuer": url,
            "authorization_endpoint": format!("{url}/authorize"),
            "token_endpoint": format!("{url}/token"),
            "jwks_uri": format!("{url}/jwks"),
            "revocation_endpoint": format!("{url}/revoke"),
            "device_authorization_endpoint": format!("{url}/device"),
            "id_token_signing_alg_values_supported": ["ES256"],
        });
        let fields = metadata.as_object_mut().unwrap();
        for (field, value) in &self.metadata {
            fields.insert((*field).to_owned(), value.clone());
        }
        fields.retain(|_, value| !value.is_null());
        metadata
    }

    fn authorize(&mut self, form: &HashMap<String, String>) -> Response {
        self.minted += 1;
        let code = format!("code-{}", self.minted);
        let nonce = form.get("nonce").cloned().unwrap_or_default();
        self.codes.insert(code.clone(), nonce);
        let mut back = url::Url::parse(&form["redirect_uri"]).unwrap();
        back.query_pairs_mut()
            .append_pair("code", &code)
            .append_pair("state", &form["state"]);
        if let Some(iss) = &self.names_itself_in_callback {
            back.query_pairs_mut().append_pair("iss", iss);
        }
        (StatusCode::FOUND, [("location", back.to_string())]).into_response()
    }

    fn device(&self) -> Value {
        let mut answer = json!({
            "device_code": "device-secret",
            "user_code": "ABCD-EFGH",
            "verification_uri": format!("{}/activate", self.url),
            "verification_uri_complete": format!("{}/activate?code=ABCD-EFGH", self.url),
            "expires_in": 600,
            "interval": 1,
        });
        for (field, value) in &self.device_authorization {
            answer[*field] = value.clone();
        }
        answer
    }

    fn token(&mut self, form: &HashMap<String, String>) -> Response {
        let nonce = match form["grant_type"].as_str() {
            "authorization_code" => match self.codes.remove(&form["code"]) {
                Some(nonce) => Some(nonce),
                None => return refusal(&json!({"error": "invalid_grant"})),
            },
            "refresh_token" => {
                if self.refresh.as_ref() != form.get("refresh_token") {
                    self.refresh = None;
                    return refusal(&json!({"error": "invalid_grant"}));
                }
                None
            }
            _ if !self.device_answers.is_empty() => {
                return refusal(&self.device_answers.remove(0));
            }
            _ => None,
        };
        self.minted += 1;
        let refresh = format!("refresh-{}{}", self.minted, self.refresh_tail);
        self.refresh = Some(refresh.clone());
        let access = if self.opaque {
            format!("opaque-{}", self.minted)
        } else {
            let claims = self.claims(&self.audience, None);
            self.mint(claims, &self.twist_access)
        };
        let id = self.claims(&json!("freewheel-desktop"), nonce);
        let mut answer = json!({
            "access_token": access,
            "token_type": "Bearer",
            "id_token": self.mint(id, &self.twist_id),
        });
        if !self.gives_no_refresh {
            answer["refresh_token"] = json!(refresh);
        }
        if !self.tells_no_life {
            answer["expires_in"] = json!(self.life);
        }
        match &self.date {
            Some(date) => ([("date", date.clone())], Json(answer)).into_response(),
            None => Json(answer).into_response(),
        }
    }

    fn claims(&self, audience: &Value, nonce: Option<String>) -> Value {
        let now = SystemClock::new().now().wall.0 / 1000;
        json!({
            "iss": self.url,
            "sub": self.subject,
            "aud": audience,
            "iat": now,
            "exp": now + self.life,
            "jti": format!("{}", self.minted),
            "nonce": nonce,
            "name": self.subject,
        })
    }

    fn mint(&self, mut claims: Value, twist: &Twist) -> String {
        let mut header = json!({"alg": "ES256", "kid": self.key.public.common.key_id});
        twist(&mut header, &mut claims);
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(&claims));
        let seal = self.seal.clone().unwrap_or_else(|| {
            jsonwebtoken::crypto::sign(message.as_bytes(), &self.key.private, Algorithm::ES256)
                .unwrap()
        });
        format!("{message}.{seal}")
    }
}

fn refusal(body: &Value) -> Response {
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}
