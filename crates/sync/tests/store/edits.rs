//! Edits on real files: laid over what is known, claimed before they are sent, and never lost.

use freewheel_policy::edit::Field;
use freewheel_sync::store::{EditClaim, EditState, EditTarget, NewEdit, StoredEdit};
use jiff::civil::date;
use serde_json::json;
use uuid::Uuid;

use super::{
    ANNA, BEN, Profile, START, page, plan_change, profile, upsert, workout, workout_change,
};

fn id(number: u32) -> Uuid {
    Uuid::from_u128(0x0196_0000_0000_7000_8000_0000_0000_0000 + u128::from(number))
}

fn item() -> EditTarget {
    EditTarget::PlanItem("p1".to_owned())
}

fn new(number: u32, target: EditTarget, field: Field, was: &str, value: &str) -> NewEdit {
    NewEdit {
        id: id(number),
        account: Some(ANNA.to_owned()),
        target,
        field,
        was: was.to_owned(),
        value: value.to_owned(),
        base: 3,
        made: START + i64::from(number),
    }
}

fn moved(number: u32, to: &str) -> NewEdit {
    new(number, item(), Field::PlanDate, "2026-03-01", to)
}

fn skipped(number: u32) -> NewEdit {
    new(number, item(), Field::PlanState, "planned", "skipped")
}

/// A profile with one planned workout, at revision 3.
fn planned() -> Profile {
    let profile = profile();
    let changes = vec![
        workout_change("w1", 1, &workout("One", 600, 0.6)),
        plan_change("p1", 3, "2026-03-01", "w1"),
        plan_change("p2", 4, "2026-03-02", "w1"),
    ];
    let page = page(changes, "c1", false);
    profile.store.apply_page(None, &page, ANNA, START).unwrap();
    profile
}

fn claim(profile: &Profile, now: i64) -> Vec<EditClaim> {
    profile.store.claim_edits(ANNA, now, 100, 1000).unwrap()
}

fn edits(profile: &Profile) -> Vec<StoredEdit> {
    profile.store.edits(ANNA, 0).unwrap()
}

fn states(profile: &Profile) -> Vec<EditState> {
    edits(profile).iter().map(|edit| edit.state).collect()
}

/// Days and states of the plan as Anna sees it.
fn plan(profile: &Profile) -> Vec<(String, String, String)> {
    let plan = profile
        .store
        .plan(Some(ANNA), date(2026, 2, 1), date(2026, 4, 30));
    let cards = plan.unwrap().into_iter();
    let card = |card: freewheel_sync::view::PlannedCard| {
        let words = card.edit.map(|mark| mark.words).unwrap_or_default();
        (card.date, card.state, words)
    };
    cards.map(card).collect()
}

#[test]
fn an_edit_shows_at_once_and_on_the_day_that_it_was_moved_to() {
    let profile = planned();
    let store = &profile.store;
    store.put_edit(&moved(1, "2026-03-20")).unwrap();
    store.put_edit(&skipped(2)).unwrap();
    let on = |day: i8| store.plan(Some(ANNA), date(2026, 3, day), date(2026, 3, day));
    assert!(on(1).unwrap().is_empty());
    let there = on(20).unwrap();
    assert_eq!(there.len(), 1);
    assert_eq!(there[0].state, "skipped");
    assert_eq!(there[0].edit.as_ref().unwrap().words, "Waiting to be sent");
    let today = store.today(Some(ANNA), date(2026, 3, 1), 200).unwrap();
    let upcoming: Vec<&str> = today
        .upcoming
        .iter()
        .map(|card| card.date.as_str())
        .collect();
    assert!(today.planned.is_empty());
    assert_eq!(upcoming, ["2026-03-02", "2026-03-20"]);
    // Nobody else sees it.
    let bens = store.plan(Some(BEN), date(2026, 3, 1), date(2026, 3, 1));
    assert_eq!(bens.unwrap().len(), 1);
}

#[test]
fn an_edit_survives_a_death_and_a_damaged_cache() {
    let profile = planned();
    profile.store.put_edit(&moved(1, "2026-03-20")).unwrap();
    claim(&profile, START);
    let after = profile.after_death();
    assert_eq!(
        states(&after),
        [EditState::InFlight],
        "the claim is durable"
    );
    assert_eq!(after.store.recover_edits().unwrap(), 1);
    let again = claim(&after, START);
    assert_eq!(
        (again[0].id, again[0].claim),
        (id(1), 2),
        "the same key again"
    );
    assert_eq!(again[0].value, "2026-03-20");
    let first = EditClaim {
        claim: 1,
        ..again[0].clone()
    };
    let late = after.store.edit_delivered(ANNA, &first, 9, true, START);
    assert!(
        !late.unwrap(),
        "an older claim's outcome counts for nothing"
    );
}

#[test]
fn only_an_edit_that_was_never_claimed_is_replaced() {
    let profile = planned();
    let store = &profile.store;
    assert_eq!(store.put_edit(&moved(1, "2026-03-05")).unwrap(), id(1));
    assert_eq!(store.put_edit(&moved(2, "2026-03-06")).unwrap(), id(1));
    assert_eq!(edits(&profile).len(), 1);
    let claimed = claim(&profile, START).remove(0);
    assert_eq!(
        (claimed.value.as_str(), claimed.was.as_str()),
        ("2026-03-06", "2026-03-01")
    );
    store.put_edit(&moved(3, "2026-03-07")).unwrap();
    // Also when it waits again: the service may have it.
    store.release_edit(&claimed, 0).unwrap();
    assert_eq!(edits(&profile).len(), 2);
    assert_eq!(store.put_edit(&moved(4, "2026-03-08")).unwrap(), id(3));
    let raw = profile.raw("athlete.db");
    let change = raw.execute("UPDATE edit SET value = 'x' WHERE number = 1", []);
    assert!(change.unwrap_err().to_string().contains("never changes"));
}

#[test]
fn nothing_deletes_what_is_undelivered() {
    let profile = planned();
    let store = &profile.store;
    store.put_edit(&moved(1, "2026-03-05")).unwrap();
    let raw = profile.raw("athlete.db");
    let delete = || raw.execute("DELETE FROM edit", []);
    assert!(delete().unwrap_err().to_string().contains("never deleted"));
    let claimed = claim(&profile, START).remove(0);
    assert!(delete().is_err());
    store.park_edit(&claimed, "no", "1", START).unwrap();
    assert!(delete().is_err());
    store.unpark_edits_for_version(ANNA, "1").unwrap();
    assert_eq!(
        states(&profile),
        [EditState::Parked],
        "this version refused it"
    );
    store.unpark_edits_for_version(ANNA, "2").unwrap();
    let claimed = claim(&profile, START).remove(0);
    store
        .edit_in_conflict(&claimed, "2026-03-09", 5, START)
        .unwrap();
    assert!(delete().is_err());
    assert!(store.let_edit_go(ANNA, id(1), START).unwrap());
    assert_eq!(delete().unwrap(), 1);
}

#[test]
fn of_one_thing_one_goes_at_a_time_and_of_one_field_in_order() {
    let profile = planned();
    let store = &profile.store;
    store.put_edit(&moved(1, "2026-03-05")).unwrap();
    store.put_edit(&skipped(2)).unwrap();
    let other = EditTarget::PlanItem("p2".to_owned());
    store
        .put_edit(&new(3, other, Field::PlanState, "planned", "done"))
        .unwrap();
    let first = claim(&profile, START);
    assert_eq!(
        first.iter().map(|c| c.id).collect::<Vec<_>>(),
        [id(1), id(3)]
    );
    assert!(claim(&profile, START).is_empty());
    // What it made is what the next one is made on.
    store
        .edit_delivered(ANNA, &first[0], 7, true, START)
        .unwrap();
    let second = claim(&profile, START);
    assert_eq!((second[0].id, second[0].base), (id(2), 7));
    // One that has to wait holds no other field up, but a later change of its own.
    store
        .retry_edit(&second[0], START + 1000, "busy", true)
        .unwrap();
    store
        .put_edit(&new(4, item(), Field::PlanState, "skipped", "done"))
        .unwrap();
    store.put_edit(&moved(5, "2026-03-06")).unwrap();
    let third = claim(&profile, START).remove(0);
    assert_eq!(third.id, id(5));
    assert!(claim(&profile, START).is_empty());
    store.edit_delivered(ANNA, &third, 8, true, START).unwrap();
    assert!(claim(&profile, START).is_empty());
    assert_eq!(claim(&profile, START + 1000)[0].id, id(2));
}

#[test]
fn a_batch_is_bounded_and_a_single_large_edit_still_goes() {
    let profile = planned();
    let rides: Vec<Uuid> = (0..5)
        .map(|number| profile.ride(Some(ANNA), number))
        .collect();
    for (number, ride) in (0..).zip(&rides) {
        let note = "n".repeat(400);
        let note = new(number, EditTarget::Ride(*ride), Field::RideNote, "", &note);
        profile.store.put_edit(&note).unwrap();
    }
    // What is said about a ride goes after the ride.
    assert!(claim(&profile, START).is_empty());
    assert_eq!(profile.store.next_edit_due(ANNA).unwrap(), None);
    let now = START + 10_000_000;
    while let Some(ride) = profile.store.claim_due("ride", ANNA, now).unwrap() {
        profile
            .store
            .delivered(ride.id, ride.attempt, "{}", now)
            .unwrap();
    }
    assert_eq!(profile.store.next_edit_due(ANNA).unwrap(), Some(0));
    assert_eq!(claim(&profile, now).len(), 2, "1,000 bytes at the most");
    assert_eq!(
        profile.store.claim_edits(ANNA, now, 1, 1000).unwrap().len(),
        1
    );
    assert_eq!(
        profile.store.claim_edits(ANNA, now, 100, 10).unwrap().len(),
        1
    );
    assert!(
        profile
            .store
            .claim_edits(BEN, now, 100, 1000)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn both_versions_are_kept_until_the_athlete_chooses() {
    let profile = planned();
    let store = &profile.store;
    store.put_edit(&moved(1, "2026-03-05")).unwrap();
    let claimed = claim(&profile, START).remove(0);
    store
        .edit_in_conflict(&claimed, "2026-03-09", 12, START)
        .unwrap();
    let kept = edits(&profile).remove(0);
    assert_eq!(
        (kept.value.as_str(), kept.theirs.as_deref()),
        ("2026-03-05", Some("2026-03-09"))
    );
    assert_eq!(plan(&profile)[0].2, "Changed here and elsewhere");
    assert_eq!(
        plan(&profile)[0].0,
        "2026-03-01",
        "what the service has is shown"
    );
    assert_eq!(store.edit_counts(ANNA).unwrap().parked, 1);
    assert!(
        !store.make_edit_again(BEN, id(1), id(2), START).unwrap(),
        "it is not theirs"
    );
    assert!(store.make_edit_again(ANNA, id(1), id(2), START).unwrap());
    assert!(
        !store.let_edit_go(ANNA, id(1), START).unwrap(),
        "it is chosen"
    );
    assert_eq!(states(&profile), [EditState::Ended, EditState::Waiting]);
    let again = claim(&profile, START).remove(0);
    assert_eq!(
        (again.id, again.base, again.was.as_str()),
        (id(2), 12, "2026-03-09")
    );
    assert_eq!(again.value, "2026-03-05");
}

#[test]
fn a_later_change_answers_what_waited_for_the_athlete() {
    let profile = planned();
    let store = &profile.store;
    store.put_edit(&moved(1, "2026-03-05")).unwrap();
    let claimed = claim(&profile, START).remove(0);
    store
        .edit_in_conflict(&claimed, "2026-03-09", 12, START)
        .unwrap();
    store.put_edit(&moved(2, "2026-03-06")).unwrap();
    assert_eq!(states(&profile), [EditState::Ended, EditState::Waiting]);
    // One that was made while the earlier one was on its way meets the conflict in its stead.
    let second = claim(&profile, START).remove(0);
    store
        .put_edit(&new(3, item(), Field::PlanDate, "2026-03-06", "2026-03-07"))
        .unwrap();
    store
        .edit_in_conflict(&second, "2026-03-10", 13, START)
        .unwrap();
    assert_eq!(
        states(&profile),
        [EditState::Ended, EditState::Ended, EditState::Waiting]
    );
    let third = claim(&profile, START).remove(0);
    assert_eq!(
        (third.was.as_str(), third.value.as_str()),
        ("2026-03-01", "2026-03-07")
    );
}

#[test]
fn what_is_delivered_shows_until_the_feed_brings_it() {
    let profile = planned();
    let store = &profile.store;
    store.put_edit(&moved(1, "2026-03-05")).unwrap();
    let claimed = claim(&profile, START).remove(0);
    store
        .edit_delivered(ANNA, &claimed, 8, true, START)
        .unwrap();
    let shown = |profile: &Profile| (plan(profile)[0].0.clone(), plan(profile)[1].0.clone());
    assert_eq!(shown(&profile), ("2026-03-02".into(), "2026-03-05".into()));
    assert_eq!(plan(&profile)[1].2, "", "nothing waits");
    let next = page(vec![plan_change("p1", 8, "2026-03-05", "w1")], "c2", false);
    store.apply_page(Some("c1"), &next, ANNA, START).unwrap();
    assert_eq!(shown(&profile), ("2026-03-02".into(), "2026-03-05".into()));
    // Somebody moves it once more: what was delivered is no longer laid over it.
    let next = page(vec![plan_change("p1", 9, "2026-03-01", "w1")], "c3", false);
    store.apply_page(Some("c2"), &next, ANNA, START).unwrap();
    assert_eq!(shown(&profile), ("2026-03-01".into(), "2026-03-02".into()));
}

#[test]
fn what_the_service_knows_of_a_ride_is_shown_and_edits_lie_over_it() {
    let profile = planned();
    let store = &profile.store;
    let ride = profile.ride(Some(ANNA), 1);
    let said = upsert(
        "ride_details",
        &ride.to_string(),
        9,
        json!({"title": "Hills", "rpe": 6, "weather": "wind"}),
    );
    store
        .apply_page(Some("c1"), &page(vec![said], "c2", false), ANNA, START)
        .unwrap();
    let card = || store.ride(Some(ANNA), ride).unwrap().unwrap();
    assert_eq!(
        (card().name.as_str(), card().rpe, card().note),
        ("Hills", Some(6), None)
    );
    let note = new(1, EditTarget::Ride(ride), Field::RideNote, "", "windy");
    store.put_edit(&note).unwrap();
    assert_eq!(card().note.as_deref(), Some("windy"));
    assert_eq!(card().edit.unwrap().words, "Waiting to be sent");
    assert_eq!(store.history(Some(ANNA)).unwrap()[0].name, "Hills");
    // The owner stays the owner after signing out, and sees what was said here.
    store.switch_account(None).unwrap();
    assert_eq!(
        (card().name.as_str(), card().note.as_deref()),
        ("Ride 1", Some("windy"))
    );
}

#[test]
fn a_later_change_of_what_was_not_taken_is_made_on_what_there_was_before() {
    let profile = planned();
    let store = &profile.store;
    let later = |number, was: &str, to: &str| new(number, item(), Field::PlanDate, was, to);
    store.put_edit(&moved(1, "2026-03-05")).unwrap();
    let first = claim(&profile, START).remove(0);
    store.park_edit(&first, "no", "1", START).unwrap();
    // The athlete sees the 5th, which the service never had.
    store
        .put_edit(&later(2, "2026-03-05", "2026-03-06"))
        .unwrap();
    assert_eq!(states(&profile), [EditState::Ended, EditState::Waiting]);
    let second = claim(&profile, START).remove(0);
    assert_eq!(second.was, "2026-03-01");
    // The same when it is not taken only after the next change was made.
    store
        .put_edit(&later(3, "2026-03-06", "2026-03-07"))
        .unwrap();
    store.park_edit(&second, "no", "1", START).unwrap();
    let third = claim(&profile, START).remove(0);
    assert_eq!(
        (third.was.as_str(), third.value.as_str()),
        ("2026-03-01", "2026-03-07")
    );
    assert_eq!(store.edit_counts(ANNA).unwrap().parked, 0);
}
