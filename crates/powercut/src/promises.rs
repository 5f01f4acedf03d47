//! What has been promised at a moment of a story.

use std::collections::{BTreeMap, BTreeSet};

use crate::mark::Mark;

/// The sum of the marks up to a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Promises {
    /// Samples of rides that are said to be safe.
    pub samples: BTreeMap<String, u32>,
    /// Rides that are said to be saved.
    pub saved: BTreeSet<String>,
    /// How often each ride was sent.
    pub sent: BTreeMap<String, u32>,
    /// Rides that are said to be delivered.
    pub delivered: BTreeSet<String>,
    /// Changes that are said to be saved: what they are about, and what shall stand there.
    pub edited: BTreeSet<(String, String)>,
    /// How often changes were sent.
    pub edits_sent: u32,
    /// Changes that are said to be delivered.
    pub edits_delivered: BTreeSet<(String, String)>,
    /// The generation of the tokens in use; 0 before the first.
    pub generation: u64,
    /// The issuer was asked to renew the tokens of that generation.
    pub renewing: bool,
    /// The damaged database that is to be kept.
    pub damaged: Option<String>,
    /// How many workouts the library has at a cursor.
    pub pages: BTreeMap<String, u32>,
}

impl Promises {
    /// Adds a mark.
    pub fn add(&mut self, mark: &Mark) {
        match mark.clone() {
            Mark::Samples { ride, count } => {
                let samples = self.samples.entry(ride).or_default();
                *samples = count.max(*samples);
            }
            Mark::Saved { ride } => {
                self.saved.insert(ride);
            }
            Mark::Sent { ride } => *self.sent.entry(ride).or_default() += 1,
            Mark::Delivered { ride } => {
                self.delivered.insert(ride);
            }
            Mark::Edited { target, value } => {
                self.edited.insert((target, value));
            }
            Mark::EditsSent => self.edits_sent += 1,
            Mark::EditDelivered { target, value } => {
                self.edits_delivered.insert((target, value));
            }
            Mark::Renewing => self.renewing = self.generation > 0,
            Mark::Tokens { generation } => {
                self.generation = generation;
                self.renewing = false;
            }
            Mark::Damaged { digest } => self.damaged = Some(digest),
            Mark::Page { cursor, workouts } => {
                self.pages.insert(cursor, workouts);
            }
        }
    }

    /// Whether nothing was promised yet, so that even an empty disk keeps it all.
    #[must_use]
    pub fn are_none(&self) -> bool {
        let pages = self.pages.clone();
        *self
            == Self {
                pages,
                ..Self::default()
            }
    }
}
