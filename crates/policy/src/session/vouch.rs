//! Whether the stored anchor and mark may be believed, once the vault's key is at hand.
//!
//! Both are stored twice: among the facts, where whoever has no key at hand goes on writing marks, and as a
//! [`Vouched`] copy that is authenticated with the key. From this follows the rule:
//!
//! *An anchor counts only as it was vouched for. A mark may have gone on from the vouched one, as far as the boot clock
//! went on and never less, and forgets nothing that it said of the clock.*
//!
//! So an athlete whose keyring is locked for days loses nothing, and whoever edits the facts gains nothing.
//!
//! # What it cannot tell
//!
//! - A whole profile that was copied earlier and put back, key and all.
//! - What is written while the key is away. Whoever takes it away and writes the same contact into the facts and into
//!   the copy is believed as long as the key stays away: the app asks for a sign-in, nothing is exchanged, and the
//!   library opens. How long the key has been away is not counted against the grace, because that could be rewritten in
//!   the same way. The key's return tells, and the next contact or sign-in ends it.

use serde::{Deserialize, Serialize};

use super::facts::Facts;
use crate::grace::{self, Anchor, Mark};
use crate::time::{Millis, Now};

/// What the key vouches for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vouched {
    /// The account's entry in the vault: nobody else's copy counts.
    pub account: String,
    /// The last authenticated contact.
    pub anchor: Anchor,
    /// The high-water mark that was there when the key was last at hand.
    pub mark: Option<Mark>,
}

/// What there is to vouch for the facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Voucher {
    /// A copy that the key authenticates, of this account.
    Genuine(Vouched),
    /// None although there must be one, or one that the key does not authenticate.
    Broken,
    /// None yet: these tokens were sealed by a version that did not vouch.
    NotYet,
}

/// What is to be done about the facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Belief {
    /// They are as they were vouched for, or there is nothing to believe.
    Sound,
    /// They may be vouched for anew.
    Vouch,
    /// The anchor was written without the key: the vouched one counts ([`super::Event::AnchorRestored`]).
    Restore(Vouched),
    /// They are not ours ([`super::Event::AnchorForged`]).
    Forged,
}

/// Judges the stored facts. `keyless`: the anchor among them was written while the key was not at hand, as a sign-in is
/// whose tokens stay in memory.
#[must_use]
pub fn belief(facts: &Facts, voucher: &Voucher, keyless: bool, now: &Now) -> Belief {
    let Some(anchor) = &facts.anchor else {
        return Belief::Sound;
    };
    let vouched = match voucher {
        Voucher::NotYet => return Belief::Vouch,
        Voucher::Broken => return Belief::Forged,
        Voucher::Genuine(vouched) => vouched,
    };
    if vouched.anchor != *anchor {
        return if keyless {
            Belief::Restore(vouched.clone())
        } else {
            Belief::Forged
        };
    }
    if vouched.mark == facts.mark {
        return Belief::Sound;
    }
    if went_on(anchor, vouched.mark.as_ref(), facts.mark.as_ref(), now) {
        Belief::Vouch
    } else {
        Belief::Forged
    }
}

/// Whether `later` is what `earlier` can have become: elapsed time rose at least as the boot clock did, and tells no
/// less now.
fn went_on(anchor: &Anchor, earlier: Option<&Mark>, later: Option<&Mark>, now: &Now) -> bool {
    let Some(later) = later else {
        return false;
    };
    let (elapsed, at) = earlier.map_or((Millis::ZERO, &anchor.at), |mark| (mark.elapsed, &mark.at));
    let ran = later.at.ran_since(at);
    let read = |mark| grace::check(anchor, mark, now, anchor.limit()).elapsed;
    let seen = |of: fn(&Mark) -> bool| of(later) || !earlier.is_some_and(of);
    let kept = seen(|mark| mark.put_right) && seen(|mark| mark.restarted);
    kept && later.elapsed >= elapsed.plus(ran) && read(Some(later)) >= read(earlier)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::{BootMs, WallMs};

    const NOON: i64 = 1_767_592_800_000;

    /// So many minutes after noon, in the run of the machine `id` that began `up` minutes earlier.
    fn at(minutes: i64, up: u64, id: &str) -> Now {
        Now {
            wall: WallMs(NOON + minutes * 60_000),
            boot: BootMs(Millis::mins(up).0),
            boot_id: id.into(),
        }
    }

    fn anchor(minutes: i64, at: Now) -> Anchor {
        Anchor {
            server: WallMs(NOON + minutes * 60_000),
            at,
            offline_grace: None,
        }
    }

    fn mark(minutes: u64, at: Now) -> Mark {
        Mark {
            elapsed: Millis::mins(minutes),
            at,
            restarted: false,
            put_right: false,
        }
    }

    fn vouched(anchor: &Anchor, mark: Option<&Mark>) -> Voucher {
        Voucher::Genuine(Vouched {
            account: "account-1".to_owned(),
            anchor: anchor.clone(),
            mark: mark.cloned(),
        })
    }

    fn facts(anchor: &Anchor, mark: Option<&Mark>) -> Facts {
        Facts {
            anchor: Some(anchor.clone()),
            mark: mark.cloned(),
            ..Facts::default()
        }
    }

    #[test]
    fn only_what_was_vouched_for_and_what_can_have_become_of_it_is_believed() {
        let then = anchor(0, at(0, 10, "a"));
        let old = mark(60, at(60, 70, "a"));
        let now = at(200, 210, "a");
        let cases = [
            ("as it was", then.clone(), Some(old.clone()), Belief::Sound),
            (
                "gone on",
                then.clone(),
                Some(mark(120, at(120, 130, "a"))),
                Belief::Vouch,
            ),
            (
                "more than uptime",
                then.clone(),
                Some(mark(150, at(120, 130, "a"))),
                Belief::Vouch,
            ),
            (
                "less than uptime",
                then.clone(),
                Some(mark(119, at(120, 130, "a"))),
                Belief::Forged,
            ),
            (
                "lowered",
                then.clone(),
                Some(mark(59, at(60, 70, "a"))),
                Belief::Forged,
            ),
            ("removed", then.clone(), None, Belief::Forged),
            (
                "from a later run",
                then.clone(),
                Some(mark(65, at(300, 5, "b"))),
                Belief::Vouch,
            ),
            (
                "a later run forgotten",
                then.clone(),
                Some(mark(64, at(300, 5, "b"))),
                Belief::Forged,
            ),
            (
                "another anchor",
                anchor(100, at(100, 110, "a")),
                Some(old.clone()),
                Belief::Forged,
            ),
            (
                "another grace",
                Anchor {
                    offline_grace: Some(Millis::days(2)),
                    ..then.clone()
                },
                Some(old.clone()),
                Belief::Forged,
            ),
        ];
        for (what, anchor, mark, want) in cases {
            let facts = facts(&anchor, mark.as_ref());
            let voucher = vouched(&then, Some(&old));
            assert_eq!(belief(&facts, &voucher, false, &now), want, "{what}");
        }
    }

    #[test]
    fn what_was_seen_of_the_clocks_is_not_taken_back() {
        let then = anchor(0, at(0, 10, "a"));
        let now = at(200, 210, "a");
        let plain = |minutes| mark(minutes, at(0, 10 + minutes, "a"));
        let right = |minutes, put_right| Mark {
            put_right,
            ..plain(minutes)
        };
        let restarted = |minutes, restarted| Mark {
            restarted,
            ..plain(minutes)
        };
        for (before, after, want) in [
            (true, true, Belief::Vouch),
            (false, true, Belief::Vouch),
            (true, false, Belief::Forged),
        ] {
            for (earlier, later) in [
                (right(60, before), right(120, after)),
                (restarted(60, before), restarted(120, after)),
            ] {
                let facts = facts(&then, Some(&later));
                let voucher = vouched(&then, Some(&earlier));
                let found = belief(&facts, &voucher, false, &now);
                assert_eq!(found, want, "{before} {after}");
            }
        }
    }

    #[test]
    fn without_a_mark_the_anchor_is_where_counting_began() {
        let then = anchor(0, at(0, 10, "a"));
        let now = at(60, 70, "a");
        for (minutes, want) in [(29, Belief::Forged), (30, Belief::Vouch)] {
            let facts = facts(&then, Some(&mark(minutes, at(30, 40, "a"))));
            let found = belief(&facts, &vouched(&then, None), false, &now);
            assert_eq!(found, want, "{minutes}");
        }
        let facts = facts(&then, None);
        assert_eq!(
            belief(&facts, &vouched(&then, None), false, &now),
            Belief::Sound
        );
    }

    #[test]
    fn what_nothing_vouches_for_is_forged_unless_it_is_from_before_there_were_vouchers() {
        let then = anchor(0, at(0, 10, "a"));
        let now = at(1, 11, "a");
        let facts = facts(&then, None);
        assert_eq!(
            belief(&facts, &Voucher::Broken, false, &now),
            Belief::Forged
        );
        assert_eq!(belief(&facts, &Voucher::Broken, true, &now), Belief::Forged);
        assert_eq!(belief(&facts, &Voucher::NotYet, false, &now), Belief::Vouch);
        let nothing = Facts::default();
        for voucher in [Voucher::Broken, Voucher::NotYet, vouched(&then, None)] {
            assert_eq!(belief(&nothing, &voucher, false, &now), Belief::Sound);
        }
    }

    #[test]
    fn an_anchor_that_was_written_without_the_key_gives_way_to_the_vouched_one() {
        let then = anchor(0, at(0, 10, "a"));
        let keyless = facts(&anchor(100, at(100, 110, "a")), None);
        let voucher = vouched(&then, None);
        let Belief::Restore(found) = belief(&keyless, &voucher, true, &at(200, 210, "a")) else {
            panic!("not restored");
        };
        assert_eq!((found.anchor, found.mark), (then, None));
    }

    proptest! {
        /// Whatever the clocks do: the marks that the app itself writes without the key are never taken for forged.
        #[test]
        fn honest_marks_are_believed(
            moves in prop::collection::vec((0..20_000_i64, -40_000..40_000_i64, any::<bool>()), 1..12),
            vouch_at in 0..12_usize, wrong_by in prop_oneof![Just(0), -40_000..40_000_i64],
        ) {
            let (mut now, mut run) = (at(wrong_by, 10, "run 0"), 0);
            let then = anchor(0, now.clone());
            let (mut stored, mut last) = (None::<Mark>, None::<Mark>);
            for (step, (minutes, jump, restart)) in moves.into_iter().enumerate() {
                now.wall = WallMs(now.wall.0 + (minutes + jump) * 60_000);
                now.boot.0 += Millis::mins(minutes.unsigned_abs()).0;
                if restart {
                    run += 1;
                    now.boot = BootMs(minutes.unsigned_abs());
                    now.boot_id = format!("run {run}").as_str().into();
                }
                let found = belief(&facts(&then, stored.as_ref()), &vouched(&then, last.as_ref()), false, &now);
                prop_assert!(matches!(found, Belief::Sound | Belief::Vouch), "{found:?} at {step}");
                stored = Some(grace::mark(&then, stored.as_ref(), &now, then.limit()));
                if step == vouch_at {
                    last.clone_from(&stored);
                }
            }
        }
    }
}
