//! Tokens and answers of the token endpoint that are unusual: read as they are meant, or not at all.

use crate::forge::Forge;
use crate::forged::{later, signed_in, synced, with_clock};

const TOKEN: &str = "POST /token";

/// RFC 6749 §A.17 allows every printable character in a refresh token.
#[tokio::test]
async fn a_refresh_token_of_any_printable_characters_outlives_the_process() {
    const TAIL: &str = " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
    let forge = Forge::start().await;
    forge.says().refresh_tail = TAIL;
    let folder = tempfile::tempdir().unwrap();
    let (engine, clock) = signed_in(&forge, folder.path()).await;
    engine.shutdown().await;
    drop(engine);
    let engine = with_clock(folder.path(), &clock).await;
    later(&clock, 16);
    assert_eq!(synced(&engine).await, "active");
    let sent = forge.forms(TOKEN);
    assert_eq!(sent[1]["refresh_token"], format!("refresh-2{TAIL}"));
}
