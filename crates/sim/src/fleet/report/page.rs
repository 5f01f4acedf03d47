//! The page `docs/herd.md`.

use super::table::{answer, chapter};
use super::words::count;
use crate::fleet::comparison::Chapter;
use crate::fleet::scenario::{Outage, Rides, Scenario};
use crate::fleet::server;

/// The page as Markdown; `plot` is the plot's file name beside it.
#[must_use]
pub fn page(chapters: &[Chapter], plot: &str) -> String {
    let Some(scenario) = chapters.first().map(|chapter| chapter.scenario) else {
        return String::new();
    };
    let (clients, seed) = (scenario.clients, scenario.seed);
    let mut text = format!(
        "# The herd

What {} clients ask of a server that is away for two hours, and what comes back at it afterwards: ours, which
follow `freewheel_policy`, beside four common ways of trying again. This page and the plot are written by

```
cargo xtask herd --clients {clients} --seed {seed}
```

The same clients and seed always give the same numbers.

## Is our peak at most a tenth of a fixed retry's?

{}
A peak is the worst second. \"During\" and \"after\" compare the worst seconds of those times, the last column but one the
worst of the whole simulation.

![Requests per second over time, on a logarithmic axis]({plot})

Each point of a line is the worst of twenty seconds. The outage is shaded; time counts from its beginning.

",
        count(clients.into()),
        answer(chapters).markdown(),
    );
    text.push_str(&tables(chapters));
    text.push_str(&model(&scenario));
    text
}

fn tables(chapters: &[Chapter]) -> String {
    let mut text = String::from(
        "## In numbers

Peaks and means are requests per second, during the two hours and in the time after. \"50 %\", \"99 %\" and \"100 %\" say
after how many minutes and seconds from the end of the outage so many of the rides were delivered; a dash: not within what
is simulated, and then \"delivered\" says how far it came. \"Turned away\" counts requests that met an overloaded server.

",
    );
    for part in chapters {
        text.push_str(&format!(
            "### {}\n\n{}\n\n{}\n",
            part.scenario.title(),
            words(part),
            chapter(part).markdown()
        ));
    }
    text
}

fn words(chapter: &Chapter) -> &'static str {
    if chapter.scenario.rides == Rides::Together {
        return "Five minutes into the outage a race is over: everybody's first ride ends within the same second.";
    }
    match chapter.scenario.outage {
        Outage::Refused => "Nobody listens at the server's address.",
        Outage::TimeOuts => {
            "No answer at all: each attempt ends after 5 s. A fixed retry comes only half as often, then."
        }
        Outage::Busy => {
            "What stands before the server asks everybody to wait for two minutes. All but the fixed retry heed it."
        }
        Outage::Maintenance => {
            "The end of the outage is announced. Whoever heeds that, and does not wait a random time longer, comes at the \
             very moment, with everybody else who does."
        }
        Outage::NoNetwork => {
            "The server is there all the time; it is the clients' provider that is away. The system of each computer tells \
             when the network is back, all at the same moment. Ours heed that, the others wait for their next attempt."
        }
    }
}

fn model(scenario: &Scenario) -> String {
    format!(
        "## The model

**Time.** {before} minutes in which everything works, {outage} minutes of outage, {after} minutes after it, in steps of a
millisecond. Where nobody has been served for 16 minutes after the outage, which is longer than any policy waits, nobody
will be: the simulation of that policy, and its line in the plot, end there.

**The work**, the same for all policies. An access token lives for 15 minutes and is renewed at half of that. The library
is looked at about every 15 minutes, the list of rides compared every 6 hours; each client is anywhere in these courses
when the simulation begins. Each athlete finishes one to {rides} rides at random moments of the outage. Everything needs
an access token.

**Our clients** have the engine's three lanes (session, library, rides), each with its own plan. When to try is decided by
`policy` itself: `lane::next_due` with backoff, budget and `Retry-After`, `reach` with what came back and its spread,
`verdict`, `session` for the tokens. What the simulation adds is what the engine does with these decisions, in the same order.

**The other clients** do one thing after the other, rides first, and stop at the first failure, so that a client never has
more than one attempt to make; this is in their favour. What they differ in is the wait after a failure: always 5 s; 1 s
doubling to 15 minutes; half of that and any part of the other half; any part of all of it. All but the first take
`Retry-After` as the least wait. None of them knows of the network's state, of a budget, or of a spread.

**The server** works through one queue and serves {capacity} requests per second, about five times the load of a quiet day.
Whoever arrives when more than {patience} s of work waits is turned away with a 503 without `Retry-After`, which costs a
{turning}th of serving: the connection was made and the request read. Whoever arrives when more than {full} s waits gets no
connection and runs into the time-out of 5 s, which costs nothing. So a herd that is large enough keeps a server busy with
turning it away. Before the outage the server has room for everybody.

**Not in it**: programs that are started or ended, athletes who press \"Sync now\", DNS, proxies, the cost of a ride's bytes,
a server that comes back slowly, requests for metadata and keys.
",
        before = Scenario::BEFORE / 60_000,
        outage = scenario.lasts / 60_000,
        after = Scenario::AFTER / 60_000,
        rides = Scenario::MOST_RIDES,
        capacity = count(scenario.capacity().into()),
        patience = server::PATIENCE / 1_000,
        full = server::FULL / 1_000,
        turning = server::TURNING_AWAY,
    )
}
