use proptest::prelude::*;

use super::*;
use crate::time::{BootMs, WallMs};
use crate::transport::{Sent, TransportFailure};

const LOST: Trouble = Trouble::Transport(TransportFailure::Timeout { sent: Sent::After });
const DNS: Trouble = Trouble::Transport(TransportFailure::Dns);
const UNKNOWN: TokenOutcome = TokenOutcome::Definitive(Refusal::InvalidGrant);

fn at(ms: u64) -> Now {
    Now {
        wall: WallMs(0),
        boot: BootMs(3_000 + ms),
        boot_id: "run".into(),
    }
}

fn troubled(trouble: Trouble) -> TokenOutcome {
    TokenOutcome::Transient {
        trouble,
        retry_after: None,
    }
}

fn busy(seconds: u64) -> TokenOutcome {
    TokenOutcome::Transient {
        trouble: Trouble::Busy,
        retry_after: Some(Millis::secs(seconds)),
    }
}

/// Sends the code until it ends or there are no more answers: the pauses in ms, and the last word.
fn road(answers: &[TokenOutcome], seed: f64) -> (Vec<u64>, Redeem) {
    let (mut redeeming, mut now, mut pauses) = (Redeeming::begun(&at(0)), 0, vec![]);
    let mut last = Redeem::Again(Millis::ZERO);
    for answer in answers {
        (redeeming, last) = redeeming.answered(answer, &at(now), seed);
        let Redeem::Again(pause) = last else {
            return (pauses, last);
        };
        pauses.push(pause.0);
        now += pause.0;
    }
    (pauses, last)
}

#[test]
fn each_answer_leads_where_it_should() {
    let ended = Redeem::Ended;
    let many = |outcome: TokenOutcome| vec![outcome; 20];
    let full = [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000];
    let refused = [1_000, 2_000, 3_000, 4_000];
    #[rustfmt::skip]
    let cases: [(&str, Vec<TokenOutcome>, &[u64], Redeem); 12] = [
        ("tokens",             vec![TokenOutcome::Granted],                    &[],        Redeem::Granted),
        ("a 502, then tokens", vec![troubled(Trouble::Status(502)), TokenOutcome::Granted],
                                                                               &[500],     Redeem::Granted),
        ("a web page for ever", many(troubled(Trouble::Foreign)),              &full,      ended(RedeemCause::NotAsked(Trouble::Foreign))),
        ("no network",         many(troubled(DNS)),                            &full,      ended(RedeemCause::NotAsked(DNS))),
        ("429 for 7 s",        vec![busy(7), TokenOutcome::Granted],           &[7_000],   Redeem::Granted),
        ("429 for an hour",    vec![busy(3_600)],                              &[],        ended(RedeemCause::NotAsked(Trouble::Busy))),
        ("the other server",   vec![UNKNOWN, UNKNOWN, TokenOutcome::Granted],  &[1_000, 2_000], Redeem::Granted),
        ("no server knows it", many(UNKNOWN),                                  &refused,   ended(RedeemCause::CodeRefused)),
        ("superseded",         many(TokenOutcome::Superseded),                 &refused,   ended(RedeemCause::CodeRefused)),
        ("lost, then unknown", [vec![troubled(LOST)], many(UNKNOWN)].concat(), &[500, 1_000, 2_000, 3_000, 4_000],
                                                                                           ended(RedeemCause::ReplyLost)),
        ("blocked",            vec![TokenOutcome::Definitive(Refusal::AccountBlocked)], &[],
                                                                                           ended(RedeemCause::Refused(Refusal::AccountBlocked))),
        ("another app",        vec![UNKNOWN, TokenOutcome::Definitive(Refusal::InvalidClient)], &[1_000],
                                                                                           ended(RedeemCause::Refused(Refusal::InvalidClient))),
    ];
    for (name, answers, pauses, end) in cases {
        assert_eq!(road(&answers, 0.0), (pauses.to_vec(), end), "{name}");
    }
}

#[test]
fn jitter_takes_the_upper_half_of_the_curve() {
    let answers = [troubled(DNS), troubled(DNS), troubled(DNS)];
    assert_eq!(road(&answers, 0.5).0, [750, 1_500, 3_000]);
}

#[test]
fn nothing_is_sent_once_the_code_has_lived_its_life() {
    let redeeming = Redeeming::begun(&at(0));
    let next = |ms, answer: &TokenOutcome| redeeming.answered(answer, &at(ms), 0.0).1;
    let too_late = Redeem::Ended(RedeemCause::NotAsked(DNS));
    assert_eq!(
        next(59_499, &troubled(DNS)),
        Redeem::Again(Millis(500)),
        "it would be sent just in time"
    );
    assert_eq!(next(59_500, &troubled(DNS)), too_late);
    assert_eq!(
        next(59_500, &UNKNOWN),
        Redeem::Ended(RedeemCause::CodeRefused)
    );
    assert_eq!(
        next(70_000, &TokenOutcome::Granted),
        Redeem::Granted,
        "a late answer with tokens is as good"
    );
    let restarted = Now {
        boot_id: "another".into(),
        ..at(1)
    };
    assert_eq!(
        redeeming.answered(&troubled(DNS), &restarted, 0.0).1,
        too_late
    );
}

#[test]
fn every_cause_has_its_own_words() {
    let causes = [
        RedeemCause::CodeRefused,
        RedeemCause::ReplyLost,
        RedeemCause::Refused(Refusal::AccountBlocked),
        RedeemCause::Refused(Refusal::InvalidClient),
        RedeemCause::NotAsked(DNS),
    ];
    let words: std::collections::BTreeSet<&str> =
        causes.into_iter().map(RedeemCause::words).collect();
    assert_eq!(words.len(), causes.len());
    assert!(words.iter().all(|words| words.ends_with('.')), "{words:?}");
}

proptest! {
    #[test]
    fn a_code_is_sent_a_bounded_number_of_times_and_never_after_a_minute(
        kinds in prop::collection::vec((0..4_usize, 0..20_000_u64, 0.0..1.0_f64), 0..200)
    ) {
        let answers = [troubled(LOST), troubled(Trouble::Foreign), busy(3), UNKNOWN];
        let (mut redeeming, mut now, mut sent) = (Redeeming::begun(&at(0)), 0, 0);
        for (kind, lag, seed) in kinds {
            prop_assert!(now < LIFE.0, "sent at {now} ms");
            sent += 1;
            let answered = now + lag;
            let (next, then) = redeeming.answered(&answers[kind], &at(answered), seed);
            match then {
                Redeem::Again(pause) => now = answered + pause.0,
                Redeem::Granted | Redeem::Ended(_) => break,
            }
            redeeming = next;
        }
        prop_assert!(sent <= 16, "{sent}");
    }
}
