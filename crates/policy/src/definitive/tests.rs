use super::*;

fn refused() -> HttpFacts {
    HttpFacts {
        status: 400,
        content_type: Some("application/json;charset=UTF-8".into()),
        body: BodyEnd::Complete,
        redirected: false,
        tls: Tls::Verified,
        oauth_error: Some("invalid_grant".into()),
        tokens: false,
        retry_after: None,
        sent: Generation(3),
        stored: Generation(3),
    }
}

fn granted() -> HttpFacts {
    HttpFacts {
        status: 200,
        oauth_error: None,
        tokens: true,
        ..refused()
    }
}

fn trouble(facts: &HttpFacts) -> Option<Trouble> {
    match classify_token_answer(facts) {
        TokenOutcome::Transient { trouble, .. } => Some(trouble),
        TokenOutcome::Granted | TokenOutcome::Definitive(_) | TokenOutcome::Superseded => None,
    }
}

#[test]
fn the_genuine_issuers_refusal_is_definitive() {
    let invalid_grant = TokenOutcome::Definitive(Refusal::InvalidGrant);
    let cases = [
        ("as it should be", refused()),
        (
            "401",
            HttpFacts {
                status: 401,
                ..refused()
            },
        ),
        (
            "loopback without TLS",
            HttpFacts {
                tls: Tls::Loopback,
                ..refused()
            },
        ),
        (
            "200 with the error in strict JSON",
            HttpFacts {
                status: 200,
                ..refused()
            },
        ),
        (
            "plain type",
            HttpFacts {
                content_type: Some("Application/JSON".into()),
                ..refused()
            },
        ),
    ];
    for (name, facts) in cases {
        assert_eq!(classify_token_answer(&facts), invalid_grant, "{name}");
    }
}

#[test]
fn take_away_any_one_condition_and_it_is_not_definitive() {
    let html = Some("text/html".to_owned());
    let cut = Trouble::Transport(TransportFailure::Cut);
    let code = |code: &str| HttpFacts {
        oauth_error: Some(code.into()),
        ..refused()
    };
    let cases = [
        (
            "not verified",
            HttpFacts {
                tls: Tls::Unverified,
                ..refused()
            },
            Trouble::Unverified,
        ),
        (
            "redirected",
            HttpFacts {
                redirected: true,
                ..refused()
            },
            Trouble::Redirected,
        ),
        (
            "302",
            HttpFacts {
                status: 302,
                ..refused()
            },
            Trouble::Redirected,
        ),
        (
            "403",
            HttpFacts {
                status: 403,
                ..refused()
            },
            Trouble::Status(403),
        ),
        (
            "500",
            HttpFacts {
                status: 500,
                ..refused()
            },
            Trouble::Status(500),
        ),
        (
            "HTML",
            HttpFacts {
                content_type: html.clone(),
                ..refused()
            },
            Trouble::Foreign,
        ),
        (
            "no type",
            HttpFacts {
                content_type: None,
                ..refused()
            },
            Trouble::Foreign,
        ),
        (
            "cut",
            HttpFacts {
                body: BodyEnd::Cut,
                ..refused()
            },
            cut,
        ),
        (
            "empty",
            HttpFacts {
                body: BodyEnd::Empty,
                ..refused()
            },
            Trouble::Status(400),
        ),
        (
            "no code",
            HttpFacts {
                oauth_error: None,
                ..refused()
            },
            Trouble::Status(400),
        ),
        ("unknown code", code("out_of_cheese"), Trouble::Status(400)),
        ("slow down", code("slow_down"), Trouble::Busy),
        (
            "temporarily",
            code("temporarily_unavailable"),
            Trouble::Busy,
        ),
        (
            "a firewall's 403",
            HttpFacts {
                status: 403,
                content_type: html,
                ..refused()
            },
            Trouble::Foreign,
        ),
    ];
    for (name, facts, want) in cases {
        assert_eq!(trouble(&facts), Some(want), "{name}");
    }
    let later = HttpFacts {
        stored: Generation(4),
        ..refused()
    };
    assert_eq!(classify_token_answer(&later), TokenOutcome::Superseded);
}

#[test]
fn tokens_are_granted_only_by_a_whole_answer_of_the_issuer() {
    assert_eq!(classify_token_answer(&granted()), TokenOutcome::Granted);
    let html = Some("text/html".to_owned());
    let cases = [
        (
            "portal",
            HttpFacts {
                content_type: html,
                tokens: false,
                ..granted()
            },
            Trouble::Foreign,
        ),
        (
            "JSON of another shape",
            HttpFacts {
                tokens: false,
                ..granted()
            },
            Trouble::Unreadable,
        ),
        (
            "empty",
            HttpFacts {
                body: BodyEnd::Empty,
                ..granted()
            },
            Trouble::Empty,
        ),
        (
            "cut",
            HttpFacts {
                body: BodyEnd::Cut,
                ..granted()
            },
            Trouble::Transport(TransportFailure::Cut),
        ),
        (
            "not verified",
            HttpFacts {
                tls: Tls::Unverified,
                ..granted()
            },
            Trouble::Unverified,
        ),
        (
            "tokens and an error at once",
            HttpFacts {
                oauth_error: Some("invalid_grant".into()),
                ..granted()
            },
            Trouble::Unreadable,
        ),
    ];
    for (name, facts, want) in cases {
        assert_eq!(trouble(&facts), Some(want), "{name}");
    }
}

#[test]
fn no_status_but_200_400_and_401_is_ever_definitive() {
    for status in 100..=599 {
        let outcome = classify_token_answer(&HttpFacts {
            status,
            ..refused()
        });
        let definitive = matches!(outcome, TokenOutcome::Definitive(_));
        assert_eq!(definitive, [200, 400, 401].contains(&status), "{status}");
    }
}

#[test]
fn waiting_times_are_handed_on() {
    let retry_after = Some(Millis::secs(30));
    for status in [429, 503] {
        let facts = HttpFacts {
            status,
            retry_after,
            ..refused()
        };
        let want = TokenOutcome::Transient {
            trouble: Trouble::Busy,
            retry_after,
        };
        assert_eq!(classify_token_answer(&facts), want);
    }
}

#[test]
fn every_refusal_has_its_code() {
    use Refusal::*;
    let all = [
        InvalidGrant,
        AccountBlocked,
        AccessDenied,
        ExpiredToken,
        InvalidClient,
        UnauthorizedClient,
        InvalidRequest,
        UnsupportedGrantType,
        InvalidScope,
    ];
    for refusal in all {
        let code = serde_json::to_value(refusal).unwrap();
        assert_eq!(Refusal::from_code(code.as_str().unwrap()), Some(refusal));
    }
}

/// Row 12: an answer that broke off anywhere, with or without the connection telling.
#[test]
fn an_answer_cut_at_any_byte_is_transient_and_a_cut_grant_counts_as_a_lost_reply() {
    let grant =
        r#"{"access_token":"a","token_type":"Bearer","expires_in":600,"refresh_token":"r"}"#;
    let refusal = r#"{"error":"invalid_grant","error_description":"it ended"}"#;
    for (status, body) in [(200, grant), (200, refusal), (400, refusal)] {
        for told in [false, true] {
            for length in 0..body.len() {
                let outcome = classify_token_answer(&received(status, &body[..length], told));
                let TokenOutcome::Transient { trouble, .. } = outcome else {
                    panic!("{status}, {length} bytes: {outcome:?}");
                };
                assert!(
                    trouble.reply_lost() || status == 400,
                    "{status}, {length} bytes"
                );
            }
        }
        let whole = classify_token_answer(&received(status, body, false));
        let transient = matches!(whole, TokenOutcome::Transient { .. });
        assert!(!transient, "the whole of it is an answer: {whole:?}");
    }
}

/// What an answer with this body is seen as; `told`: the connection told that it broke off.
fn received(status: u16, body: &str, told: bool) -> HttpFacts {
    let document: Option<serde_json::Value> = serde_json::from_str(body).ok();
    let text = |key: &str| Some(document.as_ref()?.get(key)?.as_str()?.to_owned());
    HttpFacts {
        status,
        body: match (told, body.is_empty()) {
            (true, _) => BodyEnd::Cut,
            (false, true) => BodyEnd::Empty,
            (false, false) => BodyEnd::Complete,
        },
        oauth_error: text("error"),
        tokens: text("access_token").is_some(),
        ..refused()
    }
}

/// Row 13: a refusal with a 200, as some gateways send it.
#[test]
fn an_error_with_200_is_a_refusal_only_as_strict_json_of_the_issuer() {
    let ok = || HttpFacts {
        status: 200,
        ..refused()
    };
    let definitive = |facts| matches!(classify_token_answer(&facts), TokenOutcome::Definitive(_));
    assert!(definitive(ok()));
    let code = |code: &str| Some(code.to_owned());
    #[rustfmt::skip]
    let cases = [
        ("a page",           HttpFacts { content_type: code("text/html"), ..ok() }),
        ("plain text",       HttpFacts { content_type: code("text/plain"), ..ok() }),
        ("a problem",        HttpFacts { content_type: code("application/problem+json"), ..ok() }),
        ("cut",              HttpFacts { body: BodyEnd::Cut, ..ok() }),
        ("redirected",       HttpFacts { redirected: true, ..ok() }),
        ("unverified",       HttpFacts { tls: Tls::Unverified, ..ok() }),
        ("an unknown code",  HttpFacts { oauth_error: code("invalid_everything"), ..ok() }),
        ("tokens too",       HttpFacts { tokens: true, ..ok() }),
        ("201",              HttpFacts { status: 201, ..ok() }),
        ("203, transformed", HttpFacts { status: 203, ..ok() }),
    ];
    for (name, facts) in cases {
        assert!(!definitive(facts), "{name}");
    }
}
