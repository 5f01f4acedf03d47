use proptest::prelude::*;

use super::*;

fn known(revision: u64, fields: &[(Field, &str)]) -> Known {
    let fields = fields
        .iter()
        .map(|(field, value)| (*field, (*value).to_owned()));
    Known {
        revision,
        fields: fields.collect(),
    }
}

fn change(field: Field, was: &str, value: &str) -> Change {
    Change {
        field,
        was: was.to_owned(),
        value: value.to_owned(),
    }
}

#[test]
fn words_lead_back_to_their_fields() {
    for field in Field::ALL {
        assert_eq!(Field::parse(field.as_str()), Some(field));
    }
    assert_eq!(Field::parse("plan_mood"), None);
}

#[test]
fn an_edit_stands_unless_somebody_else_changed_its_own_field() {
    let moved = change(Field::PlanDate, "tue", "wed");
    for (date, state, expected) in [
        ("tue", "planned", Rebased::Onto(9)),
        ("tue", "skipped", Rebased::Onto(9)),
        ("wed", "skipped", Rebased::AlreadyTrue),
        (
            "fri",
            "planned",
            Rebased::Conflict {
                mine: "wed".into(),
                theirs: "fri".into(),
            },
        ),
    ] {
        let current = known(9, &[(Field::PlanDate, date), (Field::PlanState, state)]);
        assert_eq!(rebase(&moved, &current), expected, "{date} {state}");
    }
    let noted = change(Field::RideNote, "", "windy");
    assert_eq!(rebase(&noted, &known(3, &[])), Rebased::Onto(3));
}

#[test]
fn a_confirmed_edit_is_shown_until_its_revision_has_come_back() {
    let laid = |stage| Laid {
        field: Field::RideTitle,
        value: "Hills".into(),
        stage,
    };
    for (stage, revision, title, waits) in [
        (Stage::Unconfirmed, 4, "Hills", true),
        (Stage::Unconfirmed, 9, "Hills", true),
        (Stage::Confirmed(5), 4, "Hills", false),
        (Stage::Confirmed(5), 5, "Spin", false),
        (Stage::Confirmed(5), 6, "Spin", false),
    ] {
        let seen = overlay(
            &known(revision, &[(Field::RideTitle, "Spin")]),
            &[laid(stage)],
        );
        assert_eq!(
            seen.fields[&Field::RideTitle],
            title,
            "{stage:?} {revision}"
        );
        assert_eq!(!seen.waiting.is_empty(), waits, "{stage:?} {revision}");
    }
}

#[test]
fn only_what_was_never_claimed_is_replaced() {
    assert!(may_be_replaced(0));
    assert!(!may_be_replaced(1));
    assert!(!may_be_replaced(u32::MAX));
}

#[test]
fn the_table_of_item_answers() {
    let edit = change(Field::PlanDate, "tue", "wed");
    let at = |date| known(7, &[(Field::PlanDate, date), (Field::PlanState, "planned")]);
    let refused = |code: &str| ItemAnswer::Refused(code.to_owned());
    for (answer, expected) in [
        (
            ItemAnswer::Applied(7),
            ItemVerdict::Delivered { revision: 7 },
        ),
        (
            ItemAnswer::Conflict(at("tue")),
            ItemVerdict::Rebase { base: 7 },
        ),
        (
            ItemAnswer::Conflict(at("wed")),
            ItemVerdict::Rebase { base: 7 },
        ),
        (
            ItemAnswer::Conflict(at("fri")),
            ItemVerdict::Conflict {
                theirs: "fri".into(),
                revision: 7,
            },
        ),
        (ItemAnswer::Conflict(known(7, &[])), ItemVerdict::Retry),
        (
            refused("not-found"),
            ItemVerdict::Parked(EditPark::TargetGone),
        ),
        (
            refused("edit-unreadable"),
            ItemVerdict::Parked(EditPark::Unreadable),
        ),
        (
            refused("edit-id-reused"),
            ItemVerdict::Parked(EditPark::IdReused),
        ),
        (
            refused("too-large"),
            ItemVerdict::Parked(EditPark::TooLarge),
        ),
        (
            refused("never-heard-of"),
            ItemVerdict::Parked(EditPark::Refused),
        ),
        (refused("internal"), ItemVerdict::Retry),
        (refused("unavailable"), ItemVerdict::Retry),
        (refused("rate-limited"), ItemVerdict::Retry),
        (ItemAnswer::Unclear, ItemVerdict::Retry),
    ] {
        assert_eq!(judge(&edit, &answer), expected, "{answer:?}");
    }
}

fn field() -> impl Strategy<Value = Field> {
    proptest::sample::select(&Field::ALL[..])
}

fn value() -> impl Strategy<Value = String> {
    proptest::sample::select(vec!["", "a", "b", "c"]).prop_map(str::to_owned)
}

fn state() -> impl Strategy<Value = Known> {
    let fields = proptest::collection::btree_map(field(), value(), 5);
    (1_u64..50, fields).prop_map(|(revision, fields)| Known { revision, fields })
}

/// The service: applies an edit that is on its newest revision, or tells what there is.
fn serve(server: &mut Known, edit: &Change, base: u64) -> ItemAnswer {
    let there = server.fields.get(&edit.field).cloned().unwrap_or_default();
    if there == edit.value {
        return ItemAnswer::Applied(server.revision);
    }
    if base != server.revision {
        let mut current = server.clone();
        for field in Field::ALL {
            current.fields.entry(field).or_default();
        }
        return ItemAnswer::Conflict(current);
    }
    server.revision += 1;
    server.fields.insert(edit.field, edit.value.clone());
    ItemAnswer::Applied(server.revision)
}

/// Sends an edit until it is settled, as the lane does. Returns whether it was applied.
fn deliver(server: &mut Known, edit: &Change, base: u64) -> bool {
    let mut base = base;
    for _ in 0..3 {
        let answer = serve(server, edit, base);
        match judge(edit, &answer) {
            ItemVerdict::Delivered { .. } => return true,
            ItemVerdict::Rebase { base: newer } => base = newer,
            ItemVerdict::Conflict { .. } => return false,
            ItemVerdict::Parked(_) | ItemVerdict::Retry => panic!("{answer:?}"),
        }
    }
    panic!("never settled");
}

proptest! {
    #[test]
    fn edits_of_different_fields_come_to_the_same_in_either_order(
        start in state(), (one, other) in (field(), field()), (v1, v2) in (value(), value()),
    ) {
        prop_assume!(one != other);
        let was = |field: Field| start.fields.get(&field).cloned().unwrap_or_default();
        let (first, second) = (change(one, &was(one), &v1), change(other, &was(other), &v2));
        let (mut a, mut b) = (start.clone(), start.clone());
        prop_assert!(deliver(&mut a, &first, start.revision) && deliver(&mut a, &second, start.revision));
        prop_assert!(deliver(&mut b, &second, start.revision) && deliver(&mut b, &first, start.revision));
        let shown = |known: &Known| Field::ALL.map(|field| known.fields.get(&field).cloned().unwrap_or_default());
        prop_assert_eq!(shown(&a), shown(&b));
    }

    #[test]
    fn what_the_screen_showed_is_what_the_service_has_once_all_is_delivered(
        start in state(), wishes in proptest::collection::vec((field(), value()), 0..6),
    ) {
        let mut laid = Vec::new();
        let mut changes = Vec::new();
        for (field, value) in wishes {
            let was = overlay(&start, &laid).fields.get(&field).cloned().unwrap_or_default();
            changes.push(change(field, &was, &value));
            laid.push(Laid { field, value, stage: Stage::Unconfirmed });
        }
        let promised = overlay(&start, &laid);
        let mut server = start.clone();
        for (edit, laid) in changes.iter().zip(&mut laid) {
            prop_assert!(deliver(&mut server, edit, start.revision));
            laid.stage = Stage::Confirmed(server.revision);
        }
        let shown = |fields: &Fields| Field::ALL.map(|field| fields.get(&field).cloned().unwrap_or_default());
        // Before the feed brings it, and after.
        let before = overlay(&start, &laid);
        prop_assert_eq!(shown(&before.fields), shown(&promised.fields));
        prop_assert!(before.waiting.is_empty());
        let after = overlay(&server, &laid);
        prop_assert_eq!(&after.fields, &server.fields);
        prop_assert_eq!(shown(&after.fields), shown(&promised.fields));
    }

    #[test]
    fn what_somebody_else_wrote_is_never_written_over_unseen(
        start in state(), field in field(), mine in value(), theirs in value(),
    ) {
        let was = start.fields.get(&field).cloned().unwrap_or_default();
        let mut server = start.clone();
        deliver(&mut server, &change(field, &was, &theirs), start.revision);
        let applied = deliver(&mut server, &change(field, &was, &mine), start.revision);
        let written_over = theirs != was && theirs != mine;
        prop_assert_eq!(applied, !written_over);
        if !applied {
            prop_assert_eq!(&server.fields[&field], &theirs);
        }
    }
}
