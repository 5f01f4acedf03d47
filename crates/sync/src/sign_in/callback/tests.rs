use secrecy::ExposeSecret as _;
use tokio::io::AsyncWriteExt as _;

use super::*;

const ISSUER: &str = "https://id.example.org";

fn expected(names_itself: bool) -> Expected {
    Expected {
        state: "s1".to_owned(),
        issuer: ISSUER.to_owned(),
        names_itself,
    }
}

fn told(callback: Option<Callback>) -> String {
    match callback {
        Some(Callback::Code(code)) => format!("code {}", code.expose_secret()),
        Some(Callback::Refused(error)) => format!("refused {error}"),
        Some(Callback::OtherIssuer) => "other issuer".to_owned(),
        None => "nothing".to_owned(),
    }
}

#[test]
fn only_the_answer_with_our_state_and_of_our_issuer_counts() {
    let iss = "iss=https%3A%2F%2Fid.example.org";
    let other = "iss=https%3A%2F%2Fid.example.org%2F";
    for (target, expected_silent, expected_naming) in [
        (
            "/callback?code=abc&state=s1".to_owned(),
            "code abc",
            "other issuer",
        ),
        (
            format!("/callback?code=abc&state=s1&{iss}"),
            "code abc",
            "code abc",
        ),
        (
            format!("/callback?code=abc&state=s1&{other}"),
            "other issuer",
            "other issuer",
        ),
        (
            format!("/callback?error=access_denied&state=s1&{iss}"),
            "refused access_denied",
            "refused access_denied",
        ),
        (
            format!("/callback?error=access_denied&state=s1&{other}"),
            "other issuer",
            "other issuer",
        ),
        (
            format!("/callback?error=%3Cb%3E%0Aa&state=s1&{iss}"),
            "refused ba",
            "refused ba",
        ),
        (
            "/callback?code=abc&state=other".to_owned(),
            "nothing",
            "nothing",
        ),
        ("/callback?code=abc".to_owned(), "nothing", "nothing"),
        (format!("/callback?state=s1&{iss}"), "nothing", "nothing"),
        (
            "/callback/x?code=abc&state=s1".to_owned(),
            "nothing",
            "nothing",
        ),
        ("/favicon.ico".to_owned(), "nothing", "nothing"),
        ("http://[broken".to_owned(), "nothing", "nothing"),
    ] {
        assert_eq!(
            told(callback(&target, &expected(false))),
            expected_silent,
            "{target}"
        );
        assert_eq!(
            told(callback(&target, &expected(true))),
            expected_naming,
            "{target}"
        );
    }
}

async fn ask(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn strangers_are_passed_over_until_the_browser_comes_and_a_second_visit_is_answered() {
    const CALLBACK: &str = "GET /callback?code=c&state=s1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    let listener = CallbackListener::open().await.unwrap();
    let port = listener.port();
    let browser = tokio::spawn(async move {
        let _unused = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let mut answers = Vec::new();
        for request in [
            "\u{0}garbage\r\n\r\n",
            "GET /favicon.ico HTTP/1.1\r\n\r\n",
            CALLBACK,
            CALLBACK,
        ] {
            answers.push(ask(port, request).await);
        }
        answers
    });
    let expected = expected(false);
    let (callback, visitor) = listener.wait(&expected).await;
    assert_eq!(told(Some(callback)), "code c");
    visitor.answer(Page::SignedIn).await;
    let answers = tokio::select! {
        answers = browser => answers.unwrap(),
        () = listener.answer_latecomers(&expected) => unreachable!(),
    };
    assert!(answers[0].starts_with("HTTP/1.1 404") && answers[1].starts_with("HTTP/1.1 404"));
    assert!(answers[2].contains("You are signed in"));
    assert!(answers[3].starts_with("HTTP/1.1 200") && answers[3].contains("was here before"));
}
