//! What happens when.
//!
//! A small fleet, or a single client, keeps its few events in a binary heap. A million clients that try every five seconds
//! make so many that a heap's log n would cost minutes, and nearly all of them are near: these are laid on a ring of pages,
//! one per millisecond, and only what is farther away goes through the heap.
//!
//! What happens to many in the same millisecond happens in a random order. In the order of their noting, whoever noted an
//! event long ago would always come before the others, and at a server with little room that is all the difference.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng as _, SeedableRng as _};

/// A moment in milliseconds since the simulation began; 49 days fit.
pub type Ms = u32;

/// Pages on the ring: 17 minutes, more than the longest backoff.
const PAGES: u32 = 1 << 20;

/// The events to come, in the order of their time. Where that is the same, a small calendar keeps the order of noting, and
/// a large one draws lots.
#[derive(Debug)]
pub struct Calendar {
    now: Ms,
    heap: BinaryHeap<Reverse<(Ms, u64, u32)>>,
    made: u64,
    /// Empty, or one page for each of the coming milliseconds.
    ring: Vec<Vec<u32>>,
    today: Vec<u32>,
    next: usize,
    /// Pages that were read to the end, to be written again.
    spare: Vec<Vec<u32>>,
    lots: Pcg64Mcg,
}

impl Calendar {
    /// An empty calendar for few events, which begins at 0.
    #[must_use]
    pub fn small() -> Self {
        Self::new(0, 0, Vec::new())
    }

    /// An empty calendar for many events, which begins at `now`.
    #[must_use]
    pub fn large(now: Ms, seed: u64) -> Self {
        Self::new(now, seed, (0..PAGES).map(|_| Vec::new()).collect())
    }

    fn new(now: Ms, seed: u64, ring: Vec<Vec<u32>>) -> Self {
        Self {
            now,
            heap: BinaryHeap::new(),
            made: 0,
            ring,
            today: Vec::new(),
            next: 0,
            spare: Vec::new(),
            lots: Pcg64Mcg::seed_from_u64(seed),
        }
    }

    /// Now.
    #[must_use]
    pub const fn now(&self) -> Ms {
        self.now
    }

    /// Notes an event; one that should have been before now is now.
    pub fn note(&mut self, at: Ms, event: u32) {
        let at = at.max(self.now);
        let near = at - self.now < PAGES;
        match self.ring.get_mut((at % PAGES) as usize) {
            Some(page) if near => {
                if page.capacity() == 0
                    && let Some(spare) = self.spare.pop()
                {
                    *page = spare;
                }
                page.push(event);
            }
            Some(_) | None => {
                self.made += 1;
                self.heap.push(Reverse((at, self.made, event)));
            }
        }
    }

    /// The next event before `end`, and [`Calendar::now`] is then its moment. None: now is `end`.
    pub fn take(&mut self, end: Ms) -> Option<u32> {
        if self.ring.is_empty() {
            return self.take_from_heap(end);
        }
        loop {
            if let Some(event) = self.today.get(self.next) {
                self.next += 1;
                return Some(*event);
            }
            if !self.turn() {
                self.now += 1;
                if self.now >= end {
                    return None;
                }
            }
        }
    }

    /// All that is still to come, and when; the calendar is empty then and begins again.
    pub fn begin_again(&mut self) -> Vec<(Ms, u32)> {
        self.now = 0;
        let rest = std::mem::take(&mut self.heap).into_sorted_vec();
        let events = rest.into_iter().rev();
        events.map(|Reverse((at, _, event))| (at, event)).collect()
    }

    fn take_from_heap(&mut self, end: Ms) -> Option<u32> {
        match self.heap.peek() {
            Some(Reverse((at, _, event))) if *at < end => {
                let event = *event;
                self.now = *at;
                self.heap.pop();
                Some(event)
            }
            Some(_) | None => {
                self.now = end;
                None
            }
        }
    }

    /// Opens the page of now; false when there is nothing (more) on it.
    fn turn(&mut self) -> bool {
        let page = self.ring.get_mut((self.now % PAGES) as usize);
        let mut page = page.map(std::mem::take).unwrap_or_default();
        while let Some(Reverse((at, _, event))) = self.heap.peek().copied()
            && at <= self.now
        {
            self.heap.pop();
            page.push(event);
        }
        self.shuffle(&mut page);
        self.next = 0;
        let mut read = std::mem::replace(&mut self.today, page);
        if read.capacity() > 0 {
            read.clear();
            self.spare.push(read);
        }
        !self.today.is_empty()
    }

    /// Fisher and Yates's.
    fn shuffle(&mut self, page: &mut [u32]) {
        for last in (1..page.len()).rev() {
            let wide = u64::from(self.lots.next_u32()) * (last as u64 + 1);
            if let Ok(other) = usize::try_from(wide >> 32) {
                page.swap(last, other);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAR: Ms = PAGES + 5;

    fn lived(mut calendar: Calendar) -> Vec<(Ms, u32)> {
        for (at, event) in [(7, 1), (FAR, 2), (3, 3), (7, 4), (2 * FAR, 5), (0, 6)] {
            calendar.note(at, event);
        }
        let mut seen = Vec::new();
        for end in [5, 2 * FAR] {
            while let Some(event) = calendar.take(end) {
                seen.push((calendar.now(), event));
                if event == 3 {
                    for (at, event) in [(3, 7), (1, 8), (7, 9)] {
                        calendar.note(at, event);
                    }
                }
            }
            assert_eq!(calendar.now(), end);
        }
        seen
    }

    #[test]
    fn events_come_in_the_order_of_their_time_and_then_of_their_noting() {
        let expected = [
            (0, 6),
            (3, 3),
            (3, 7),
            (3, 8),
            (7, 1),
            (7, 4),
            (7, 9),
            (FAR, 2),
        ];
        assert_eq!(lived(Calendar::small()), expected);
    }

    #[test]
    fn a_large_calendar_has_the_same_events_and_draws_lots_for_those_of_one_moment() {
        let mut seen = lived(Calendar::large(0, 1));
        assert_eq!(seen, lived(Calendar::large(0, 1)));
        seen.sort_unstable();
        let mut expected = lived(Calendar::small());
        expected.sort_unstable();
        assert_eq!(seen, expected);
        let order = |seed| {
            let mut calendar = Calendar::large(0, seed);
            for event in 0..100 {
                calendar.note(4, event);
            }
            std::iter::from_fn(|| calendar.take(9)).collect::<Vec<_>>()
        };
        assert_ne!(order(1), order(2));
        assert_ne!(order(1), (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_left_goes_over_to_another_calendar() {
        let mut calendar = Calendar::small();
        for (at, event) in [(9, 1), (5, 2), (9, 3), (1, 4)] {
            calendar.note(at, event);
        }
        assert_eq!(calendar.take(5), Some(4));
        assert_eq!(calendar.take(5), None);
        assert_eq!(calendar.begin_again(), [(5, 2), (9, 1), (9, 3)]);
        assert_eq!((calendar.now(), calendar.take(100)), (0, None));
    }
}
