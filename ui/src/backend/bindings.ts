// Made from the Rust types by `cargo xtask bindings`. Do not edit.

export type Cadence = { 
/**
 * Lower bound.
 */
low: number, 
/**
 * Upper bound.
 */
high: number, };

export type Cue = { 
/**
 * Seconds from the start of the step.
 */
at: number, 
/**
 * How long it stands, in seconds.
 */
seconds: number, 
/**
 * The text.
 */
text: string, };

export type Effort = { "kind": "steady", 
/**
 * Length.
 */
seconds: number, 
/**
 * Fraction of FTP.
 */
power: number, 
/**
 * Cadence to hold.
 */
cadence?: Cadence, } | { "kind": "ramp", 
/**
 * Length.
 */
seconds: number, 
/**
 * Fraction of FTP at the start.
 */
from: number, 
/**
 * Fraction of FTP at the end.
 */
to: number, 
/**
 * Cadence to hold.
 */
cadence?: Cadence, } | { "kind": "intervals", 
/**
 * How many times, at least once.
 */
repeat: number, 
/**
 * The work.
 */
on: IntervalPart, 
/**
 * The rest.
 */
off: IntervalPart, } | { "kind": "free_ride", 
/**
 * Length.
 */
seconds: number, 
/**
 * Cadence to hold.
 */
cadence?: Cadence, } | { "kind": "max_effort", 
/**
 * Length.
 */
seconds: number, 
/**
 * Cadence to hold.
 */
cadence?: Cadence, };

export type IntervalPart = { 
/**
 * Length.
 */
seconds: number, 
/**
 * Fraction of FTP at the start.
 */
from: number, 
/**
 * Fraction of FTP at the end; equal to `from` for a steady part.
 */
to: number, 
/**
 * Cadence to hold.
 */
cadence?: Cadence, };

export type Segment = { 
/**
 * Seconds from the start of the workout.
 */
start: number, 
/**
 * Length in seconds, at least 1.
 */
seconds: number, 
/**
 * What to hold.
 */
target: Target, 
/**
 * Cadence to hold.
 */
cadence: Cadence | null, 
/**
 * Index of the step in [`crate::Workout::steps`].
 */
step: number, };

export type Step = { 
/**
 * What is said on the way, by time.
 */
cues?: Array<Cue>, } & ({ "kind": "steady", 
/**
 * Length.
 */
seconds: number, 
/**
 * Fraction of FTP.
 */
power: number, 
/**
 * Cadence to hold.
 */
cadence?: Cadence, } | { "kind": "ramp", 
/**
 * Length.
 */
seconds: number, 
/**
 * Fraction of FTP at the start.
 */
from: number, 
/**
 * Fraction of FTP at the end.
 */
to: number, 
/**
 * Cadence to hold.
 */
cadence?: Cadence, } | { "kind": "intervals", 
/**
 * How many times, at least once.
 */
repeat: number, 
/**
 * The work.
 */
on: IntervalPart, 
/**
 * The rest.
 */
off: IntervalPart, } | { "kind": "free_ride", 
/**
 * Length.
 */
seconds: number, 
/**
 * Cadence to hold.
 */
cadence?: Cadence, } | { "kind": "max_effort", 
/**
 * Length.
 */
seconds: number, 
/**
 * Cadence to hold.
 */
cadence?: Cadence, });

export type Target = { "kind": "power", 
/**
 * Fraction of FTP at the start.
 */
from: number, 
/**
 * Fraction of FTP at the end.
 */
to: number, } | { "kind": "free" } | { "kind": "max" };

export type Workout = { 
/**
 * Name to show.
 */
name: string, 
/**
 * Who wrote it.
 */
author?: string, 
/**
 * What it is for and how it should feel; plain text.
 */
description: string, 
/**
 * Lower-case words to find it by.
 */
tags: Array<string>, 
/**
 * What to do, in order.
 */
steps: Array<Step>, };

export type Zone = "recovery" | "endurance" | "tempo" | "threshold" | "vo2_max" | "anaerobic" | "neuromuscular";

export type RideSummary = { 
/**
 * Length without pauses, in seconds.
 */
seconds: number, 
/**
 * Length with pauses, in seconds.
 */
elapsed_seconds: number, 
/**
 * Mean power in watts.
 */
average_power: number | null, 
/**
 * Highest power in watts.
 */
max_power: number | null, 
/**
 * Normalized Power in watts.
 */
normalized_power: number | null, 
/**
 * Intensity Factor.
 */
intensity_factor: number | null, 
/**
 * Training Stress Score.
 */
tss: number | null, 
/**
 * Mechanical work in kilojoules.
 */
work_kj: number | null, 
/**
 * Mean cadence in rpm, without standstill.
 */
average_cadence: number | null, 
/**
 * Mean heart rate in beats per minute.
 */
average_heart_rate: number | null, 
/**
 * Highest heart rate in beats per minute.
 */
max_heart_rate: number | null, };

export type RideCommand = { "kind": "start" } | { "kind": "pause" } | { "kind": "toggle" } | { "kind": "skip" } | { "kind": "back" } | { "kind": "intensity", 
/**
 * Percent points, for example 1, -5.
 */
percent: number, };

export type RideFrame = { 
/**
 * The ride's id.
 */
id: string, 
/**
 * Whether the legs turn.
 */
state: RideState, 
/**
 * Seconds ridden without pauses.
 */
ridden: number, 
/**
 * Seconds of samples that are durable on disk.
 */
durable: number, 
/**
 * Place in the workout, in seconds.
 */
position: number, 
/**
 * Index of the segment, or absent past the end and on a free ride.
 */
segment: number | null, 
/**
 * Seconds left in the segment.
 */
segment_left: number | null, 
/**
 * Seconds left in the workout.
 */
workout_left: number | null, 
/**
 * Target power in watts with intensity applied; absent without a target.
 */
target_power: number | null, 
/**
 * Target cadence.
 */
target_cadence: Cadence | null, 
/**
 * Power in watts, mean of the last 3 s.
 */
power: number | null, 
/**
 * Cadence in rpm.
 */
cadence: number | null, 
/**
 * Heart rate in beats per minute.
 */
heart_rate: number | null, 
/**
 * Intensity in percent; 100 = as written.
 */
intensity: number, 
/**
 * The cue to show now.
 */
cue: string | null, 
/**
 * What comes next, as the screen says it, for example `Next: 3:00 at 212 W`.
 */
next: string | null, 
/**
 * Mechanical work so far in kilojoules.
 */
work_kj: number, 
/**
 * Says plainly that the disk does not take samples now; absent while all is well.
 */
trouble: string | null, };

export type RideSaved = { 
/**
 * The ride's id.
 */
id: string, 
/**
 * What it is called.
 */
name: string, 
/**
 * Its totals.
 */
summary: RideSummary, };

export type RideStart = { 
/**
 * The ride's id.
 */
id: string, 
/**
 * Name of the workout, or of the free ride.
 */
name: string, 
/**
 * Athlete's FTP in watts.
 */
ftp_watts: number, 
/**
 * The profile; empty for a free ride.
 */
segments: Array<Segment>, 
/**
 * Length of the workout in seconds; 0 for a free ride.
 */
workout_seconds: number, 
/**
 * What gives the numbers.
 */
trainer: string, 
/**
 * Whether the numbers are simulated.
 */
simulated: boolean, };

export type RideState = "ready" | "riding" | "paused" | "complete" | "saved";

export type BackgroundView = { 
/**
 * Whether the desktop has a place for tray icons; without one the program ends with its window.
 */
tray: boolean, 
/**
 * [`Settings::stays`].
 */
stays: boolean, 
/**
 * Whether it starts, hidden, when the athlete logs in to this computer; absent where the system does not tell.
 */
autostart: boolean | null, };

export type About = { 
/**
 * Semantic version.
 */
version: string, 
/**
 * Commit that it was built from.
 */
commit: string, 
/**
 * Day that it was built.
 */
built: string, 
/**
 * The profile folder.
 */
home: string, 
/**
 * The server that sign-in offers first.
 */
default_server: string, 
/**
 * Where the vault keeps the key: `keyring`, `key_file` or `none`.
 */
vault: string, 
/**
 * Where the key file is, or would be.
 */
key_file: string, };

export type DataFact = { 
/**
 * Rides and edits that wait for delivery.
 */
waiting: number, 
/**
 * Entries that need the athlete.
 */
parked: number, 
/**
 * In a few words for people, for example `2 rides waiting`.
 */
words: string, 
/**
 * The last delivery or pull that succeeded.
 */
last_success: number | null, 
/**
 * When the next attempt is due; absent when nothing is, or when it waits for the network.
 */
next_try: number | null, 
/**
 * Whether an attempt is under way.
 */
busy: boolean, 
/**
 * That the disk is full, for people; absent while there is room.
 */
disk: string | null, 
/**
 * Rides that this computer delivered so far; rises while the window is open.
 */
delivered: number, };

export type Delivery = { "state": "local_only" } | { "state": "waiting", 
/**
 * When it is tried next; absent while it waits for the network, the keyring or a sign-in.
 */
next_try: number | null, 
/**
 * Tries so far.
 */
attempts: number, 
/**
 * Why it waits, for people: `Waiting to upload · Freewheel cannot be reached`.
 */
words: string, } | { "state": "sending" } | { "state": "delivered", 
/**
 * When the service took it.
 */
at: number, } | { "state": "parked", 
/**
 * Why, for people.
 */
reason: string, };

export type DeviceCodeView = { 
/**
 * The code.
 */
user_code: string, 
/**
 * Where it is typed.
 */
verification_uri: string, 
/**
 * The same address with the code in it, where there is one.
 */
verification_uri_complete: string | null, };

export type ImportOutcome = { 
/**
 * The file.
 */
file: string, 
/**
 * The workout, when it was read.
 */
workout_id: string | null, 
/**
 * Its name.
 */
name: string | null, 
/**
 * Its length in seconds.
 */
seconds: number | null, 
/**
 * What the reader noticed, with lines.
 */
warnings: Array<string>, 
/**
 * Why it was refused, with file, line and remedy.
 */
error: string | null, };

export type LibraryFact = { 
/**
 * Workouts cached, own ones included.
 */
workouts: number, 
/**
 * Whether a pull is under way.
 */
pulling: boolean, 
/**
 * When the library was last confirmed fresh.
 */
fresh_at: number | null, 
/**
 * Rises whenever the cached library or plan changed, so that screens know when to ask again.
 */
revision: number, 
/**
 * Rises whenever the list of rides changed.
 */
rides_revision: number, };

export type LibraryPage = { 
/**
 * How many rows the whole list has.
 */
total: number, 
/**
 * Place of the first row.
 */
offset: number, 
/**
 * The rows.
 */
rows: Array<WorkoutCard>, };

export type LibraryQuery = { 
/**
 * Words to find in name, description, tags and author; prefixes count.
 */
text: string, 
/**
 * Shortest length in seconds.
 */
min_seconds: number | null, 
/**
 * Greatest length in seconds, exclusive.
 */
max_seconds: number | null, 
/**
 * Only workouts for this zone.
 */
zone: Zone | null, 
/**
 * Lowest TSS.
 */
min_tss: number | null, 
/**
 * Greatest TSS, exclusive.
 */
max_tss: number | null, 
/**
 * Only the athlete's own files.
 */
own: boolean, 
/**
 * By what to order.
 */
sort: LibrarySort, 
/**
 * Rows to pass over.
 */
offset: number, 
/**
 * Rows to return, at most 200.
 */
limit: number, };

export type LibrarySort = "name" | "duration" | "tss";

export type NetworkFact = "up" | "down" | "unknown";

export type OutboxRow = { 
/**
 * Its id, which is also its idempotency key; for a ride the ride's id.
 */
id: string, 
/**
 * What it is: `ride`.
 */
kind: string, 
/**
 * When the athlete made it.
 */
created: number, 
/**
 * What the athlete calls it.
 */
name: string, 
/**
 * `waiting`, `in_flight`, `delivered` or `parked`.
 */
state: string, 
/**
 * Tries so far.
 */
attempts: number, 
/**
 * When it is tried next, while it waits and something is planned.
 */
next_try: number | null, 
/**
 * Why it is parked, for people.
 */
reason: string | null, 
/**
 * Why the last try did not deliver it, for people.
 */
last_error: string | null, 
/**
 * When the service took it.
 */
delivered_at: number | null, };

export type PlannedCard = { 
/**
 * Plan item id.
 */
plan_item_id: string, 
/**
 * Its day.
 */
date: string, 
/**
 * `planned`, `done`, `skipped`, or what a newer server says. `done` also when a finished ride still waits here.
 */
state: string, 
/**
 * A note of the coach's.
 */
note: string | null, 
/**
 * The workout; absent while it is not cached yet.
 */
workout: WorkoutCard | null, };

export type RideCard = { 
/**
 * The ride's id.
 */
id: string, 
/**
 * What it is called.
 */
name: string, 
/**
 * When it began.
 */
started_at: number, 
/**
 * Its totals.
 */
summary: RideSummary, 
/**
 * Whether the numbers are simulated.
 */
simulated: boolean, 
/**
 * SHA-256 of the frozen FIT file, hex.
 */
digest: string, 
/**
 * Where it is.
 */
delivery: Delivery, };

export type ServiceFact = { 
/**
 * In one word.
 */
state: ServiceState, 
/**
 * In a few words for people, for example `Freewheel cannot be reached`.
 */
words: string, 
/**
 * Why, as a sentence; absent while it is reachable or was not asked.
 */
cause: string | null, 
/**
 * Since when it is so.
 */
since: number | null, };

export type ServiceState = "unknown" | "reachable" | "unreachable" | "trouble";

export type SessionAction = "sign_in" | "cancel_sign_in" | "sync_now" | "unlock_keyring" | "check_clock" | "contact_support";

export type SessionView = { 
/**
 * The derived credential state, as `policy::session` names it: `signed_out`, `signing_in`, `active`, `offline`,
 * `outcome_unknown`, `vault_unavailable`, `needs_sign_in`, `grace_expired`, `blocked`.
 */
state: string, 
/**
 * The athlete's name, when an account is known.
 */
account: string | null, 
/**
 * The server of the account.
 */
server: string | null, 
/**
 * Whether the licensed library may be ridden.
 */
library_open: boolean, 
/**
 * One line for people; empty when there is nothing to say.
 */
headline: string, 
/**
 * A second line; may be empty.
 */
detail: string, 
/**
 * The one thing to do, when there is one.
 */
action: SessionAction | null, 
/**
 * Days of grace left, from day 10 on.
 */
days_left: number | null, 
/**
 * The address to open by hand while a sign-in is under way.
 */
sign_in_url: string | null, 
/**
 * The code to type on another device while such a sign-in is under way.
 */
device: DeviceCodeView | null, 
/**
 * Where the key to the sign-in was last found: `keyring`, `key_file`, `memory` (it is lost when the program ends), or
 * `none` while it was not asked for or not given.
 */
vault: string, };

export type SyncView = { 
/**
 * First fact: this computer's network.
 */
network: NetworkFact, 
/**
 * Second fact: the service.
 */
service: ServiceFact, 
/**
 * Third fact: the athlete's data.
 */
data: DataFact, 
/**
 * Who is signed in, and what that allows.
 */
session: SessionView, 
/**
 * What is cached.
 */
library: LibraryFact, };

export type TodayView = { 
/**
 * Today in the athlete's calendar.
 */
date: string, 
/**
 * Today's planned workouts.
 */
planned: Array<PlannedCard>, 
/**
 * The next planned workouts after today, up to seven.
 */
upcoming: Array<PlannedCard>, 
/**
 * A few workouts to pick from when nothing is planned today.
 */
suggestions: Array<WorkoutCard>, 
/**
 * Rides that a death left open.
 */
unfinished: Array<UnfinishedRide>, 
/**
 * Athlete's FTP in watts.
 */
ftp_watts: number, };

export type UnfinishedRide = { 
/**
 * The ride's id.
 */
id: string, 
/**
 * What it is called.
 */
name: string, 
/**
 * When it began.
 */
started_at: number, 
/**
 * Seconds that are safe.
 */
seconds: number, };

export type UserError = { 
/**
 * Stable code, for example `grace_expired`.
 */
code: string, 
/**
 * What happened and what to do.
 */
message: string, };

export type WorkoutCard = { 
/**
 * Library id.
 */
id: string, 
/**
 * Name to show.
 */
name: string, 
/**
 * Who wrote it.
 */
author: string | null, 
/**
 * Length in seconds.
 */
seconds: number, 
/**
 * Planned TSS.
 */
tss: number, 
/**
 * Planned Intensity Factor.
 */
intensity_factor: number, 
/**
 * The zone that the workout is for.
 */
zone: Zone, 
/**
 * Whether it is the athlete's own file (never locked).
 */
own: boolean, 
/**
 * The profile.
 */
segments: Array<Segment>, };

export type WorkoutDetail = { 
/**
 * As in the list.
 */
card: WorkoutCard, 
/**
 * What is ridden.
 */
workout: Workout, 
/**
 * Seconds in each zone, the easiest first.
 */
zone_seconds: Array<number>, 
/**
 * Whether it may be ridden now.
 */
rideable: boolean, };
