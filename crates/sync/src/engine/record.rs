//! A change of the stored session: events in; facts, journal and voucher out, in one transaction.

use freewheel_policy::Generation;
use freewheel_policy::session::{self, Action, Belief, Event, Facts, Vouched, Voucher};
use freewheel_policy::time::Now;

use super::facts::{self, Reading};
use super::session::account_id;
use crate::store::{SessionChange, StoreError, StoredSession, StoredVoucher};
use crate::vault::VaultKey;

/// What the MAC of a voucher is over, before its text.
const PURPOSE: &[u8] = b"freewheel grace 1\n";

/// A key of the account, and what it is known to open.
#[derive(Clone)]
pub(super) struct KeyAtHand {
    /// Whose it is, as in [`account_id`].
    pub(super) account: String,
    pub(super) key: VaultKey,
    /// The stored generation that it was tried on.
    pub(super) generation: Generation,
    pub(super) sealed: Sealed,
}

/// What the stored tokens are to a key.
#[derive(Clone)]
pub(super) enum Sealed {
    /// It opens them, and they say that there is a voucher.
    Vouched,
    /// It opens them, and they are from a version that did not vouch; sealed again, they say so.
    Before { again: Vec<u8> },
    /// It does not open them, or there are none.
    Closed,
}

/// A change under way. Nothing is written before [`Record::close`].
pub(super) struct Record<'a> {
    change: &'a SessionChange<'a>,
    now: &'a Now,
    hand: Option<&'a KeyAtHand>,
    stored: Option<StoredSession>,
    before: Facts,
    facts: Facts,
    /// All of the stored facts could be read.
    whole: bool,
    notes: Vec<Note>,
    /// The anchor and the mark may be vouched for as they now stand.
    believed: bool,
}

/// An entry of the journal.
struct Note {
    event: Event,
    before: &'static str,
    after: &'static str,
}

impl<'a> Record<'a> {
    /// Reads what is stored.
    pub(super) fn open(
        change: &'a SessionChange<'a>,
        now: &'a Now,
        hand: Option<&'a KeyAtHand>,
    ) -> Result<Self, StoreError> {
        let stored = change.stored()?;
        let fresh = || Reading {
            facts: Facts::default(),
            whole: true,
        };
        let Reading { facts, whole } = stored.as_ref().map_or_else(fresh, facts::read);
        Ok(Self {
            change,
            now,
            hand,
            stored,
            before: facts.clone(),
            facts,
            whole,
            notes: Vec::new(),
            believed: false,
        })
    }

    /// The facts as they stand in this change.
    pub(super) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The stored generation.
    pub(super) fn generation(&self) -> Generation {
        Generation(self.stored.as_ref().map_or(0, |stored| stored.generation))
    }

    /// The stored tokens.
    pub(super) fn sealed(&self) -> Option<&[u8]> {
        self.stored.as_ref()?.sealed.as_deref()
    }

    /// Checks the grace among the facts; what is not ours is thrown out. Without the key only what is told twice can be
    /// compared, and is believed as long as it agrees.
    pub(super) fn examine(&mut self) {
        let Some(stored) = &self.stored else { return };
        let account = account_id(&self.facts);
        let hand = self.hand.filter(|hand| {
            account.as_ref() == Some(&hand.account) && hand.generation == self.generation()
        });
        let voucher = match (hand, &stored.voucher) {
            (Some(hand), _) => voucher(stored, hand),
            (None, Some(kept)) => told_by(kept, account.as_deref()),
            (None, None) => return,
        };
        match session::belief(&self.facts, &voucher, stored.keyless, self.now) {
            Belief::Sound | Belief::Vouch => {}
            Belief::Restore(_) if hand.is_none() => {}
            Belief::Restore(Vouched { anchor, mark, .. }) => {
                tracing::warn!("the grace was counted without the key; it counts from before");
                self.apply(&Event::AnchorRestored { anchor, mark });
            }
            Belief::Forged => {
                tracing::error!("the stored grace is not what this app wrote; it does not count");
                self.apply(&Event::AnchorForged);
            }
        }
        self.believed = hand.is_some();
    }

    /// Applies an event that happens now.
    pub(super) fn apply(&mut self, event: &Event) -> Vec<Action> {
        self.apply_at(event, self.now)
    }

    /// Applies an event that happened at `at`, and is noted now.
    pub(super) fn apply_at(&mut self, event: &Event, at: &Now) -> Vec<Action> {
        let (after, actions) = session::step(&self.facts, event, at);
        let name = |facts: &Facts| session::state(facts, at).name();
        let (old, new) = (name(&self.facts), name(&after));
        if *event != Event::Tick || old != new {
            self.notes.push(Note {
                event: event.clone(),
                before: old,
                after: new,
            });
        }
        let contact = matches!(
            event,
            Event::TokensSaved(_) | Event::SaveFailed(_) | Event::Contact { .. }
        );
        self.facts = after;
        // An anchor that was just made is ours, whatever was there before.
        let ours = self.facts.anchor.as_ref().is_some_and(|a| a.at == *at);
        self.believed |= contact && ours;
        actions
    }

    /// Starts afresh for another athlete.
    pub(super) fn start_afresh(&mut self) {
        self.facts = Facts {
            network: self.facts.network,
            signing_in: true,
            ..Facts::default()
        };
    }

    /// Writes it all down.
    pub(super) fn close(self) -> Result<(), StoreError> {
        if self.facts != self.before || self.stored.is_none() {
            self.write_facts()?;
        }
        self.vouch()?;
        self.note_key_place()?;
        for note in &self.notes {
            let event = serde_json::to_string(&note.event)?;
            let at = self.now.wall.0;
            self.change.journal(at, &event, note.before, note.after)?;
        }
        Ok(())
    }

    /// The facts, and the account beside them a second time. What cannot be read is not written over, but kept.
    fn write_facts(&self) -> Result<(), StoreError> {
        if !self.whole {
            tracing::error!("not all of the stored session could be read; its text is kept");
            self.change.keep_unread(self.now.wall.0)?;
        }
        self.change
            .put_facts(&serde_json::to_string(&self.facts)?)?;
        let owner = self.facts.account.as_ref();
        let owner = owner.map(serde_json::to_string).transpose()?;
        if self
            .stored
            .as_ref()
            .and_then(|stored| stored.owner.as_ref())
            != owner.as_ref()
        {
            self.change.put_owner(owner.as_deref())?;
        }
        Ok(())
    }

    /// Where the key is that opens the tokens: once it is gone from there, it is gone.
    fn note_key_place(&self) -> Result<(), StoreError> {
        let account = account_id(&self.facts);
        let opens = |hand: &&KeyAtHand| match hand.sealed {
            Sealed::Vouched | Sealed::Before { .. } => account.as_ref() == Some(&hand.account),
            Sealed::Closed => false,
        };
        let Some(hand) = self.hand.filter(opens) else {
            return Ok(());
        };
        let place = hand.key.kept_in().as_str();
        let known = self.stored.as_ref().and_then(|s| s.key_place.as_deref());
        if known != Some(place) {
            self.change.put_key_place(place)?;
        }
        Ok(())
    }

    /// Vouches for the anchor and the mark if that can be done, and notes an anchor for which it cannot.
    fn vouch(&self) -> Result<(), StoreError> {
        let old = self.stored.as_ref().and_then(|s| s.voucher.as_ref());
        let keyless = self.stored.as_ref().is_some_and(|stored| stored.keyless);
        let Some(anchor) = &self.facts.anchor else {
            if old.is_some() || keyless {
                self.change.put_voucher(None, false)?;
            }
            return Ok(());
        };
        if !self.believed {
            return Ok(());
        }
        let account = account_id(&self.facts);
        // A key of older tokens may not be the vault's any more; one of newer tokens comes with them.
        let Some(hand) = self.hand.filter(|hand| {
            account.as_ref() == Some(&hand.account) && hand.generation >= self.generation()
        }) else {
            if self.before.anchor != self.facts.anchor && !keyless {
                self.change.put_voucher(old, true)?;
            }
            return Ok(());
        };
        let vouched = Vouched {
            account: hand.account.clone(),
            anchor: anchor.clone(),
            mark: self.facts.mark.clone(),
        };
        let text = serde_json::to_string(&vouched)?;
        if keyless || old.is_none_or(|old| old.text != text) {
            let mac = hand.key.mac(&authenticated(&text)).to_vec();
            self.change
                .put_voucher(Some(&StoredVoucher { text, mac }), false)?;
        }
        if let Sealed::Before { again } = &hand.sealed
            && self.sealed().is_some()
            && self.generation() == hand.generation
        {
            self.change.put_tokens(hand.generation.0, Some(again))?;
        }
        Ok(())
    }
}

/// What there is to vouch for the stored facts, as the key tells.
fn voucher(stored: &StoredSession, hand: &KeyAtHand) -> Voucher {
    let Some(kept) = &stored.voucher else {
        return match hand.sealed {
            Sealed::Before { .. } => Voucher::NotYet,
            Sealed::Vouched | Sealed::Closed => Voucher::Broken,
        };
    };
    if hand.key.has_mac(&authenticated(&kept.text), &kept.mac) {
        told_by(kept, Some(&hand.account))
    } else {
        Voucher::Broken
    }
}

/// What a voucher says, if it is one of this account.
fn told_by(kept: &StoredVoucher, account: Option<&str>) -> Voucher {
    match serde_json::from_str::<Vouched>(&kept.text) {
        Ok(vouched) if Some(vouched.account.as_str()) == account => Voucher::Genuine(vouched),
        Ok(_) | Err(_) => Voucher::Broken,
    }
}

fn authenticated(text: &str) -> Vec<u8> {
    [PURPOSE, text.as_bytes()].concat()
}
