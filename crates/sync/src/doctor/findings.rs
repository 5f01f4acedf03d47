//! All findings, in the order in which a person would look.

use super::{Finding, Queue, Seen, Syncer, account, counted, place};

pub(super) fn of(seen: &Seen) -> Vec<Finding> {
    let mut findings = vec![place::profile(&seen.home)];
    findings.extend(seen.databases.iter().map(place::database));
    findings.extend(seen.salvage.as_ref().map(place::salvage));
    findings.extend(seen.unread.map(place::unread));
    findings.push(place::vault(&seen.vault));
    findings.extend(place::key_file(&seen.vault));
    findings.push(account::clock(&seen.now, seen.session.clock_suspect));
    findings.push(account::grace(&seen.facts, &seen.now));
    findings.push(account::session(&seen.session));
    findings.push(account::issuer(&seen.issuer));
    findings.push(queue(seen.queue.as_ref()));
    findings.push(syncer(&seen.syncer));
    findings
}

fn queue(queue: Option<&Queue>) -> Finding {
    const NAME: &str = "queue";
    let Some(queue) = queue else {
        return Finding::problem(NAME, "What waits for delivery could not be read.")
            .remedy("See the line about rides above.");
    };
    let of_edits = (queue.edits.undelivered(), queue.edits.parked);
    let waits = |waiting| wait(waiting, u64::from(of_edits.0));
    let needs = |parked| need(parked, u64::from(of_edits.1));
    let of_rides = (queue.counts.undelivered(), queue.counts.parked);
    let waiting = u64::from(of_rides.0) + u64::from(of_edits.0);
    let parked = u64::from(of_rides.1) + u64::from(of_edits.1);
    let unfinished = u64::try_from(queue.unfinished).unwrap_or(u64::MAX);
    let words = match (waiting, parked) {
        (0, 0) => "Nothing waits for delivery.".to_owned(),
        (_, 0) => format!("{} for delivery.", waits(of_rides.0.into())),
        (0, _) => format!("{} the athlete.", needs(of_rides.1.into())),
        (_, _) => format!(
            "{} for delivery, and {} the athlete.",
            waits(of_rides.0.into()),
            needs(of_rides.1.into())
        ),
    };
    let finding = match (parked, unfinished) {
        (0, 0) => Finding::ok(NAME, words),
        (0, rides) => Finding::note(
            NAME,
            format!("{words} {} not finished.", were_cut_short(rides)),
        )
        .remedy("Resume or finish it: on Today in the app, or with `freewheel rides list`."),
        (_, _) => Finding::problem(NAME, words)
            .remedy("See why with `freewheel outbox list`; each can be tried again and exported."),
    };
    finding
        .fact("waiting", waiting)
        .fact("parked", parked)
        .fact("unfinished", unfinished)
}

fn wait(rides: u64, edits: u64) -> String {
    let verb = if rides + edits == 1 { "waits" } else { "wait" };
    format!("{} {verb}", both(rides, edits))
}

fn need(rides: u64, edits: u64) -> String {
    let verb = if rides + edits == 1 { "needs" } else { "need" };
    format!("{} {verb}", both(rides, edits))
}

fn both(rides: u64, edits: u64) -> String {
    let rides = (rides > 0).then(|| counted(rides, "ride"));
    let edits = (edits > 0).then(|| counted(edits, "change"));
    let said: Vec<String> = [rides, edits].into_iter().flatten().collect();
    said.join(" and ")
}

fn were_cut_short(count: u64) -> String {
    let verb = if count == 1 { "was" } else { "were" };
    format!("{} {verb}", counted(count, "ride"))
}

fn syncer(syncer: &Syncer) -> Finding {
    const NAME: &str = "syncer";
    match syncer {
        Syncer::Nobody => {
            Finding::note(NAME, "No program keeps this profile in sync at the moment.")
                .remedy("Open the app, or run `freewheel watch` or `freewheel sync`.")
                .fact("holder", "nobody")
        }
        Syncer::This => Finding::ok(NAME, "This program keeps the profile in sync.")
            .fact("holder", "this")
            .fact("pid", std::process::id()),
        Syncer::Other(pid) => {
            let who = pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
            let words = format!("Another Freewheel program{who} keeps the profile in sync.");
            Finding::ok(NAME, words)
                .fact("holder", "other")
                .fact("pid", *pid)
        }
        Syncer::Unknown(why) => {
            Finding::problem(NAME, format!("It cannot be seen who syncs: {why}."))
                .remedy("Check the owner and the permissions of the profile folder.")
                .fact("holder", "unknown")
        }
    }
}
