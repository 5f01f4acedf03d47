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
    let waiting = u64::from(queue.counts.waiting) + u64::from(queue.counts.in_flight);
    let parked = u64::from(queue.counts.parked);
    let unfinished = u64::try_from(queue.unfinished).unwrap_or(u64::MAX);
    let words = match (waiting, parked) {
        (0, 0) => "Nothing waits for delivery.".to_owned(),
        (waiting, 0) => format!("{} for delivery.", waits(waiting)),
        (0, parked) => format!("{} the athlete.", needs(parked)),
        (waiting, parked) => format!(
            "{} for delivery, and {} the athlete.",
            waits(waiting),
            needs(parked)
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

fn waits(count: u64) -> String {
    let verb = if count == 1 { "waits" } else { "wait" };
    format!("{} {verb}", counted(count, "ride"))
}

fn needs(count: u64) -> String {
    let verb = if count == 1 { "needs" } else { "need" };
    format!("{} {verb}", counted(count, "ride"))
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
