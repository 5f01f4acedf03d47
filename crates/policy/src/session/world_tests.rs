//! A computer that lives for weeks: clocks that move, sleep, restarts, kills, power cuts, answers of every kind.
//!
//! Beside it goes the truth: how much time really passed since the last contact, and how much of it the computer
//! was on. The two promises are told in terms of it: never locked out, never let in.

use proptest::prelude::*;

use super::rider::{Rider, T0};
use super::story::{cases, event, vault};
use super::*;
use crate::grace::{GRACE, MARK_EVERY};
use crate::time::{BootId, BootMs, Millis, WallMs};

const DAY: u64 = Millis::days(1).0;

/// One thing that happens. Lengths are in ms.
#[derive(Debug, Clone)]
enum Happens {
    /// The app runs; it ticks at the end, as it does every few minutes.
    Runs(u64),
    /// The computer sleeps: the boot clock goes on.
    Sleeps(u64),
    /// It is shut down and started again.
    IsOff(u64),
    /// It runs for a moment, shorter than the marks are apart, and the power fails.
    PowerFails { ran: u64, off: u64 },
    /// The process dies and starts again.
    Killed(VaultCondition),
    /// Somebody moves the wall clock.
    ClockMoves(i64),
    /// An answer, a wish of the athlete, a keyring: anything.
    Is(Event),
}

fn happens(moves: std::ops::Range<i64>) -> impl Strategy<Value = Happens> {
    prop_oneof![
        3 => (0..DAY).prop_map(Happens::Runs),
        2 => (0..3 * DAY).prop_map(Happens::Sleeps),
        2 => (0..3 * DAY).prop_map(Happens::IsOff),
        1 => (0..MARK_EVERY.0, 0..DAY).prop_map(|(ran, off)| Happens::PowerFails { ran, off }),
        1 => vault().prop_map(Happens::Killed),
        2 => moves.prop_map(Happens::ClockMoves),
        4 => event().prop_map(Happens::Is),
    ]
}

fn weeks(moves: std::ops::Range<i64>) -> impl Strategy<Value = Vec<Happens>> {
    prop::collection::vec(happens(moves), 0..60)
}

fn days() -> impl Strategy<Value = Vec<Happens>> {
    prop::collection::vec(happens(NO_WAY), 0..12)
}

const ANY_WAY: std::ops::Range<i64> = -40 * 86_400_000..40 * 86_400_000;
const NO_WAY: std::ops::Range<i64> = 0..1;

struct World {
    rider: Rider,
    /// Time that really passed, in all.
    real: u64,
    /// At the last contact.
    contact: u64,
    /// How many there were.
    contacts: u32,
    /// Time that the computer was on since then, less what power cuts took before it was saved.
    on: u64,
    /// Time that it was off since then, and what power cuts took.
    off: u64,
    /// The wall clock tells the real time, and has done so since the last contact.
    honest: bool,
    moved: i64,
}

impl World {
    fn new() -> Self {
        Self {
            rider: Rider::signed_in(),
            real: 0,
            contact: 0,
            contacts: 0,
            on: 0,
            off: 0,
            honest: true,
            moved: 0,
        }
    }

    fn live(&mut self, happens: &Happens) {
        match happens {
            Happens::Runs(ms) => {
                self.pass(*ms);
                self.on += ms;
                self.rider.does(&Event::Tick);
            }
            Happens::Sleeps(ms) => {
                self.pass(*ms);
                self.on += ms;
            }
            Happens::IsOff(ms) => {
                self.rider.does(&Event::Tick);
                self.forget_what_is_unsaved();
                self.pass(*ms);
                self.off += ms;
                self.start();
            }
            Happens::PowerFails { ran, off } => {
                self.rider.does(&Event::Tick);
                self.forget_what_is_unsaved();
                self.pass(ran + off);
                self.off += ran + off;
                self.start();
            }
            Happens::Killed(vault) => self.launch(*vault),
            Happens::ClockMoves(by) => {
                self.moved += by;
                self.honest &= *by == 0;
                self.rider.now.wall = WallMs(self.rider.now.wall.0 + by);
            }
            Happens::Is(event) => self.is(event),
        }
    }

    fn is(&mut self, event: &Event) {
        let server = T0.plus(Millis(self.real));
        let mut event = event.clone();
        match &mut event {
            Event::Contact { server_time, .. } => *server_time = server,
            Event::TokensSaved(tokens) | Event::SaveFailed(tokens) => tokens.server_time = server,
            _ => {}
        }
        let before = self.rider.facts.anchor.clone();
        self.rider.does(&event);
        if self.rider.facts.anchor != before {
            (self.contact, self.on, self.off) = (self.real, 0, 0);
            self.contacts += 1;
            self.honest = self.moved == 0;
        }
    }

    /// What ran since the last mark is known to nobody after a restart: less than marks are apart.
    fn forget_what_is_unsaved(&mut self) {
        let Some(mark) = &self.rider.facts.mark else {
            return; // Without an anchor nothing is counted.
        };
        let unsaved = self.rider.now.uptime_since(&mark.at).unwrap_or_default();
        assert!(unsaved < MARK_EVERY, "a tick saves what is due");
        let known = unsaved.0.min(self.on);
        self.on -= known;
        self.off += known;
    }

    fn pass(&mut self, ms: u64) {
        self.real += ms;
        self.rider.now.wall = self.rider.now.wall.plus(Millis(ms));
        self.rider.now.boot = BootMs(self.rider.now.boot.0 + ms);
    }

    fn start(&mut self) {
        self.rider.now.boot = BootMs(0);
        self.rider.now.boot_id = BootId(format!("{}+", self.rider.now.boot_id));
        self.launch(VaultCondition::Ready);
    }

    fn launch(&mut self, vault: VaultCondition) {
        let ride = OpenRide::Left;
        self.rider.does(&Event::Launched { vault, ride });
    }

    fn limit(&self) -> u64 {
        let anchor = self.rider.facts.anchor.as_ref();
        anchor.map_or(0, |anchor| anchor.limit().0)
    }

    fn is_open(&self) -> bool {
        self.rider.access().licensed_library == Library::Open
    }

    /// What may close the library within the grace: nobody is signed in, or the account is blocked.
    fn may_be_closed(&self) -> bool {
        let facts = &self.rider.facts;
        facts.account.is_none()
            || facts.signed_out
            || facts.condemned == Some(Condemned::Account)
            || facts.anchor.is_none()
            || facts.riding.is_some_and(|(_, was)| was == Library::Locked)
    }

    fn grace_is_open(&self) -> bool {
        grace(&self.rider.facts, &self.rider.now).is_some_and(|grace| grace.is_open())
    }

    fn elapsed(&self) -> Option<Millis> {
        grace(&self.rider.facts, &self.rider.now).map(|grace| grace.elapsed)
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn never_locked_out_while_the_clock_is_honest_and_the_grace_lasts(weeks in weeks(NO_WAY)) {
        let mut world = World::new();
        for happens in &weeks {
            world.live(happens);
            let within = world.real - world.contact <= world.limit();
            if world.honest && within && !world.may_be_closed() {
                prop_assert!(world.is_open(), "after {happens:?}");
            }
        }
    }

    #[test]
    fn never_let_in_once_the_computer_was_on_for_longer_than_the_grace(weeks in weeks(ANY_WAY)) {
        let mut world = World::new();
        for happens in &weeks {
            let rides = world.rider.facts.riding;
            world.live(happens);
            if world.on > world.limit() && rides.is_none() {
                prop_assert!(!world.is_open(), "after {happens:?}");
            }
            prop_assert!(GRACE.0 >= world.limit());
        }
    }

    /// With the clock set back, what the computer is on for still counts, and so does all that was seen open before:
    /// nothing but time in which it was off can be hidden.
    #[test]
    fn a_clock_that_is_turned_back_gains_nothing_but_time_when_the_computer_was_off(
        before in days(), after in days(), back in 1..400 * 86_400_000_i64,
    ) {
        let (mut honest, mut turned) = (World::new(), World::new());
        for happens in &before {
            honest.live(happens);
            turned.live(happens);
        }
        let contacts = honest.contacts;
        turned.live(&Happens::ClockMoves(-back));
        // What was never seen open may as well have been a jump forward, and that leaves no trace.
        let remembered = honest.grace_is_open();
        let seen = if remembered { honest.off } else { 0 };
        if remembered {
            prop_assert_eq!(turned.elapsed(), honest.elapsed(), "nothing is gained at once");
            prop_assert_eq!(turned.is_open(), honest.is_open());
        }
        for happens in &after {
            honest.live(happens);
            turned.live(happens);
            if turned.contacts != contacts || turned.rider.facts.anchor.is_none() {
                break;
            }
            let off = honest.off - seen;
            let (was, is) = (honest.elapsed().unwrap_or_default(), turned.elapsed().unwrap_or_default());
            prop_assert!(is.plus(Millis(off)) >= was, "{is:?} + {off} < {was:?} after {happens:?}");
            if off == 0 {
                prop_assert_eq!(turned.is_open(), honest.is_open(), "after {:?}", happens);
            }
        }
    }

    /// A jump that ends the grace ends it while it lasts, whatever happens meanwhile, and leaves no trace.
    #[test]
    fn a_jump_forward_that_is_undone_restores_what_was_open(
        before in days(), during in days(), ahead in 60 * 86_400_000..4_000 * 86_400_000_i64,
    ) {
        let (mut honest, mut jumped) = (World::new(), World::new());
        for happens in &before {
            honest.live(happens);
            jumped.live(happens);
        }
        let contacts = honest.contacts;
        jumped.live(&Happens::ClockMoves(ahead));
        for happens in &during {
            honest.live(happens);
            jumped.live(happens);
        }
        jumped.live(&Happens::ClockMoves(-ahead));
        let rides = honest.rider.facts.riding.is_some() || jumped.rider.facts.riding.is_some();
        if jumped.contacts == contacts && honest.rider.facts.anchor.is_some() && !rides {
            prop_assert_eq!(jumped.elapsed(), honest.elapsed());
            prop_assert_eq!(jumped.is_open(), honest.is_open());
        }
    }

    /// A smaller jump costs what it skipped at the most, and no more with time.
    #[test]
    fn a_jump_forward_costs_no_more_than_it_skipped(
        before in days(), during in days(), after in days(), ahead in 1..86_400_000_i64 * 14,
    ) {
        let (mut honest, mut jumped) = (World::new(), World::new());
        for happens in &before {
            honest.live(happens);
            jumped.live(happens);
        }
        let contacts = honest.contacts;
        jumped.live(&Happens::ClockMoves(ahead));
        for happens in &during {
            honest.live(happens);
            jumped.live(happens);
        }
        jumped.live(&Happens::ClockMoves(-ahead));
        for happens in &after {
            honest.live(happens);
            jumped.live(happens);
            if jumped.contacts != contacts || honest.rider.facts.anchor.is_none() {
                break;
            }
            let (was, is) = (honest.elapsed().unwrap_or_default(), jumped.elapsed().unwrap_or_default());
            prop_assert!(is.0 <= was.0 + ahead.unsigned_abs(), "{is:?} > {was:?} + {ahead}");
            prop_assert!(is >= was, "and gains nothing");
        }
    }

    #[test]
    fn what_may_be_ridden_is_constant_from_the_first_stroke_to_the_last(
        before in weeks(ANY_WAY), during in weeks(ANY_WAY),
    ) {
        let mut world = World::new();
        for happens in &before {
            world.live(happens);
        }
        world.rider.does(&Event::RideEnded);
        let began = world.rider.access();
        world.rider.does(&Event::RideBegan);
        for happens in &during {
            let ends = matches!(happens, Happens::Is(Event::RideEnded | Event::Launched { .. }))
                || matches!(happens, Happens::Killed(_) | Happens::IsOff(_) | Happens::PowerFails { .. });
            if ends {
                continue;
            }
            world.live(happens);
            let now = world.rider.access();
            prop_assert_eq!((now.ride, now.licensed_library), (began.ride, began.licensed_library));
        }
    }
}
