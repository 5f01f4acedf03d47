//! The facts out of what is stored, as far as it can be read.
//!
//! A text that was cut, damaged, or written by a version that knows other words costs only what cannot be read in it.
//! What matters is told twice and taken from there: the account beside the facts, the grace from its voucher, and that
//! there are tokens by the tokens themselves. So whoever was signed in never counts as signed out.

use std::fmt;

use freewheel_policy::session::{Facts, TokenFacts, Vouched};
use freewheel_policy::{Fingerprint, Generation};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::session::account_id;
use crate::store::StoredSession;

/// What was read.
pub(super) struct Reading {
    pub(super) facts: Facts,
    /// All of it could be read.
    pub(super) whole: bool,
}

/// Reads the facts of a stored session.
pub(super) fn read(stored: &StoredSession) -> Reading {
    if !stored.spoilt
        && let Ok(facts) = serde_json::from_str(&stored.facts)
    {
        return Reading { facts, whole: true };
    }
    let (fields, end) = fields(&stored.facts);
    let (mut facts, unread) = one_by_one(&fields, stored.spoilt);
    let complete = end && !stored.spoilt;
    let lost = |field: &str| {
        let there = fields.contains_key(field);
        unread.iter().any(|unread| unread == field) || (!there && !complete)
    };
    tracing::debug!(?unread, end, "not all of the stored session can be read");
    if lost("account") {
        let owner = stored.owner.as_deref();
        facts.account = owner.and_then(|owner| serde_json::from_str(owner).ok());
    }
    if lost("anchor") || lost("mark") {
        vouched_grace(&mut facts, stored);
    }
    if lost("signed_out") {
        // Signing out takes both away.
        facts.signed_out = stored.sealed.is_none() && stored.voucher.is_none();
    }
    if lost("tokens") && !facts.signed_out && stored.sealed.is_some() {
        // How long they live is not known any more: they are renewed.
        facts.tokens = Some(TokenFacts {
            generation: Generation(stored.generation),
            fingerprint: Fingerprint::default(),
            access: None,
            refresh_until: None,
            unrenewable: false,
        });
    }
    Reading {
        facts,
        whole: false,
    }
}

/// The grace as it was vouched for last. Whether it was is found out when the key is at hand.
fn vouched_grace(facts: &mut Facts, stored: &StoredSession) {
    let kept = stored.voucher.as_ref();
    let vouched = kept.and_then(|kept| serde_json::from_str::<Vouched>(&kept.text).ok());
    let owner = account_id(facts);
    let (anchor, mark) = vouched
        .filter(|vouched| owner.as_ref() == Some(&vouched.account))
        .map(|vouched| (vouched.anchor, vouched.mark))
        .unzip();
    (facts.anchor, facts.mark) = (anchor, mark.flatten());
}

/// The facts with every field that makes sense, and the names of those that do not.
fn one_by_one(fields: &Map<String, Value>, spoilt: bool) -> (Facts, Vec<String>) {
    let mut facts = Facts::default();
    let (mut sense, mut unread) = (Map::new(), Vec::new());
    for (name, value) in fields {
        let mut with = sense.clone();
        with.insert(name.clone(), value.clone());
        // A sign that stands for damaged bytes would make another name or number of it.
        let damaged = spoilt && value.to_string().contains(char::REPLACEMENT_CHARACTER);
        match serde_json::from_value(Value::Object(with.clone())) {
            Ok(read) if !damaged => (facts, sense) = (read, with),
            Ok(_) | Err(_) => unread.push(name.clone()),
        }
    }
    (facts, unread)
}

/// The fields of a JSON object up to where it cannot be read, and whether that is its end.
fn fields(text: &str) -> (Map<String, Value>, bool) {
    let mut fields = Map::new();
    let mut json = serde_json::Deserializer::from_str(text);
    let read = Fields(&mut fields).deserialize(&mut json);
    let end = read.and_then(|()| json.end()).is_ok();
    (fields, end)
}

struct Fields<'a>(&'a mut Map<String, Value>);

impl<'de> DeserializeSeed<'de> for Fields<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut json: A) -> Result<(), A::Error> {
        while let Some((name, value)) = json.next_entry()? {
            self.0.insert(name, value);
        }
        Ok(())
    }
}
