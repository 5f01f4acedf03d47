// A shell that answers from made-up data, for looking at the screens.

import { emit } from '@tauri-apps/api/event';
import { mockIPC } from '@tauri-apps/api/mocks';
import type {
  About,
  ImportOutcome,
  LibraryPage,
  LibraryQuery,
  RideCard,
  RideFrame,
  RideStart,
  RideSummary,
  SessionView,
  SyncView,
  TodayView,
} from '../src/backend';
import { segmentAt } from '../src/profile/geometry';
import { localDay } from '../src/words/time';
import { segmentWords } from '../src/words/workout';
import { byName, makeWorkouts } from './workouts';

const FTP = 248;
const now = Date.now();
const MINUTE = 60_000;
const DAY = 86_400_000;

export function pretend(options: URLSearchParams): void {
  const scene = options.get('case') ?? 'full';
  const workouts = scene === 'signed-out' || scene === 'empty' ? [] : makeWorkouts(Number(options.get('n') ?? 66));
  const cards = workouts.map((each) => each.card);
  const sync = syncView(scene, cards.length);
  let ride = rideStart(options.get('ride'), workouts);
  let frame = ride && rideFrame(options.get('ride') ?? '', ride);

  const send = () => void (frame && emit('ride-frame', frame));
  if (ride) setInterval(send, 250);

  mockIPC(
    async (command, args) => {
      const { id, query } = (args ?? {}) as { id?: string; query?: LibraryQuery };
      switch (command) {
        case 'about':
          return aboutView(scene);
        case 'sync_view':
          return sync;
        case 'today':
          return todayView(scene, cards);
        case 'library':
          return query && page(cards, query);
        case 'workout': {
          const found = workouts.find((each) => each.card.id === id);
          if (!found) throw { code: 'not_found', message: 'This workout is not on this computer.' };
          return { ...found, rideable: scene !== 'locked' };
        }
        case 'history':
          return scene === 'signed-out' || scene === 'empty' ? [] : rides();
        case 'support_report':
          return 'Freewheel 0.1.0\n\nok       Vault      In this computer’s keyring.';
        case 'import_workouts':
          return OUTCOMES;
        case 'export_ride':
          return '/home/rider/Documents/2026-11-12-kestrel-climb.fit';
        case 'ride_current':
          return ride;
        case 'ride_start':
          ride = rideStart('ready', workouts);
          frame = ride && rideFrame('ready', ride);
          setInterval(send, 250);
          return ride;
        case 'ride_finish':
          return { id: 'r1', name: ride?.name ?? '', summary: summary(3312, 3360) };
        case 'sign_in':
          throw { code: 'server_address', message: 'This is not a server address. It starts with https:// (http:// only for this computer).' };
        case 'ride_command':
          if (frame && (args as { command: { kind: string } }).command.kind === 'toggle') {
            frame = { ...frame, state: frame.state === 'riding' ? 'paused' : 'riding' };
          }
          return null;
        default:
          return null;
      }
    },
    { shouldMockEvents: true },
  );
}

function aboutView(scene: string): About {
  return {
    version: '0.1.0',
    commit: 'a389289c41',
    built: '2026-11-20',
    home: '/home/rider/.local/share/freewheel',
    default_server: 'http://127.0.0.1:8787',
    vault: scene === 'offline' ? 'key_file' : 'keyring',
    key_file: '/home/rider/.local/share/freewheel/vault.key',
  };
}

function syncView(scene: string, workouts: number): SyncView {
  const view: SyncView = {
    network: 'up',
    service: { state: 'reachable', words: 'Freewheel is reachable', cause: null, since: now - 20 * MINUTE },
    data: { waiting: 0, parked: 0, words: 'Everything is delivered', last_success: now - 12 * MINUTE, next_try: null, busy: false, disk: null, delivered: 12 },
    session: {
      state: 'active',
      account: 'Dana Demo',
      server: 'http://127.0.0.1:8787',
      library_open: true,
      headline: '',
      detail: '',
      action: null,
      days_left: null,
      sign_in_url: null,
      device: null,
      vault: scene === 'offline' ? 'key_file' : 'keyring',
    },
    library: { workouts, pulling: false, fresh_at: now - 12 * MINUTE, revision: 3, rides_revision: 2 },
  };
  const session = view.session;
  switch (scene) {
    case 'offline':
      view.service = { state: 'unreachable', words: 'Freewheel cannot be reached', cause: 'The service is not running at its address.', since: now - 43 * MINUTE };
      view.data = { ...view.data, waiting: 2, parked: 1, words: '2 rides waiting, 1 needs you', next_try: now + 40_000 };
      break;
    case 'locked':
      view.network = 'down';
      view.service = { state: 'unreachable', words: 'Freewheel cannot be reached', cause: 'The service is not running at its address.', since: now - 15 * DAY };
      break;
    case 'signed-out':
    case 'empty':
      view.service = { state: 'unknown', words: '', cause: null, since: null };
      view.data = { ...view.data, words: 'Nothing waits', last_success: null };
      break;
  }
  Object.assign(session, SESSIONS[scene]);
  return view;
}

const SIGNED_OUT: Partial<SessionView> = {
  state: 'signed_out',
  account: null,
  server: null,
  library_open: false,
  headline: 'Not signed in',
  detail: 'Sign in to get your library and plan, or ride your own files.',
  action: 'sign_in',
  vault: 'none',
};

const SIGNING_IN: Partial<SessionView> = { ...SIGNED_OUT, state: 'signing_in', headline: 'Signing in', detail: 'Please finish in the browser window that has opened.', action: 'cancel_sign_in' };

/** In the words of the policy. */
const SESSIONS: Record<string, Partial<SessionView>> = {
  'signed-out': SIGNED_OUT,
  'signing-in': {
    ...SIGNING_IN,
    sign_in_url:
      'http://127.0.0.1:8787/oauth/authorize?response_type=code&client_id=freewheel-desktop&redirect_uri=http%3A%2F%2F127.0.0.1%3A41829%2Fcallback&scope=openid%20offline_access&state=Zk3vBq0&code_challenge=9Jr0tBLnl0yQ2mQm8x&code_challenge_method=S256',
  },
  code: {
    ...SIGNING_IN,
    device: { user_code: 'WDJB-MJHT', verification_uri: 'http://127.0.0.1:8787/oauth/device', verification_uri_complete: 'http://127.0.0.1:8787/oauth/device?user_code=WDJB-MJHT' },
  },
  offline: {
    state: 'offline',
    headline: 'Working offline',
    detail: 'The service is not running at its address. The library stays open for 3 more days: please connect once before then.',
    action: 'sync_now',
    days_left: 3,
  },
  vault: { state: 'vault_unavailable', headline: 'The keyring is locked', detail: 'Unlock it to sync. Riding works without it.', action: 'unlock_keyring', vault: 'none' },
  memory: { state: 'vault_unavailable', headline: 'Your sign-in could not be saved', detail: 'It works until you close Freewheel, and saving is tried again.', vault: 'memory' },
  'needs-sign-in': {
    state: 'needs_sign_in',
    headline: 'Please sign in again',
    detail: 'The service ended this sign-in, as it does after a new password or a long time unused. Riding goes on, and your rides wait here until then.',
    action: 'sign_in',
  },
  locked: {
    state: 'grace_expired',
    library_open: false,
    headline: 'The library is locked',
    detail: 'Connect once, or sign in, to open it again. Your own files and rides stay open.',
    action: 'sync_now',
    days_left: 0,
  },
  blocked: {
    state: 'blocked',
    library_open: false,
    headline: 'This account is blocked',
    detail: 'Your rides are kept and can be exported. Please contact support.',
    action: 'contact_support',
  },
};

function todayView(scene: string, cards: ReturnType<typeof makeWorkouts>[number]['card'][]): TodayView {
  const date = (days: number) => localDay(now + days * DAY);
  const planned = (place: number, days: number, state = 'planned', note: string | null = null) => ({
    plan_item_id: `p${place}`,
    date: date(days),
    state,
    note,
    workout: cards[place] ?? null,
  });
  const full = scene !== 'signed-out' && scene !== 'empty' && scene !== 'rest';
  return {
    date: date(0),
    planned: full
      ? [
          planned(0, 0, scene === 'done' ? 'done' : 'planned', 'Keep the first climb honest. If the last one is still there, you judged it well.'),
          ...(scene === 'two' ? [planned(8, 0)] : []),
        ]
      : [],
    upcoming: full || scene === 'rest' ? [1, 2, 4, 7, 8].map((place, at) => planned(place, at + 1)) : [],
    suggestions: scene === 'rest' ? cards.slice(1, 4) : [],
    unfinished: scene === 'offline' ? [{ id: 'u1', name: 'Kestrel Climb 4 × 8', started_at: now - 90 * MINUTE, seconds: 1294 }] : [],
    ftp_watts: FTP,
  };
}

function page(all: ReturnType<typeof makeWorkouts>[number]['card'][], query: LibraryQuery): LibraryPage {
  const words = query.text.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = all
    .filter((card) => words.every((word) => card.name.toLowerCase().includes(word)))
    .filter((card) => query.zone === null || card.zone === query.zone)
    .filter((card) => card.seconds >= (query.min_seconds ?? 0) && card.seconds < (query.max_seconds ?? Infinity))
    .filter((card) => card.tss >= (query.min_tss ?? 0) && card.tss < (query.max_tss ?? Infinity))
    .filter((card) => !query.own || card.own)
    .sort({ name: byName, duration: (a: { seconds: number }, b: { seconds: number }) => a.seconds - b.seconds, tss: (a: { tss: number }, b: { tss: number }) => a.tss - b.tss }[query.sort]);
  return { total: rows.length, offset: query.offset, rows: rows.slice(query.offset, query.offset + query.limit) };
}

function summary(seconds: number, elapsed: number): RideSummary {
  return {
    seconds,
    elapsed_seconds: elapsed,
    average_power: 187,
    max_power: 412,
    normalized_power: 214,
    intensity_factor: 0.863,
    tss: 68.4,
    work_kj: 619,
    average_cadence: 88,
    average_heart_rate: 146,
    max_heart_rate: 171,
  };
}

function rides(): RideCard[] {
  const ride = (id: string, name: string, ago: number, delivery: RideCard['delivery']): RideCard => ({
    id,
    name,
    started_at: now - ago,
    summary: summary(3312 - ago / DAY, 3400),
    simulated: id !== 'r4',
    digest: id.repeat(32),
    delivery,
  });
  return [
    ride('r1', 'Kestrel Climb 4 × 8', 70 * MINUTE, { state: 'waiting', next_try: now + 40_000, attempts: 3, words: 'Waiting to upload · Freewheel cannot be reached' }),
    ride('r2', 'Free ride', DAY, { state: 'waiting', next_try: null, attempts: 0, words: 'Waiting to upload · waits for the network' }),
    ride('r3', 'Five by Five', 2 * DAY, { state: 'sending' }),
    ride('r4', 'Tuesday club session as coach Margarethe wrote it down on the back of a very long envelope', 3 * DAY, { state: 'parked', reason: 'The server does not accept this file: it holds no samples. Your copy is safe; export it, or try again after an update.' }),
    ride('r5', 'Long Valley', 8 * DAY, { state: 'delivered', at: now - 8 * DAY + 3 * MINUTE }),
    ride('r6', 'Harbour Spin', 400 * DAY, { state: 'local_only' }),
  ];
}

function rideStart(scene: string | null, workouts: ReturnType<typeof makeWorkouts>): RideStart | null {
  const card = workouts[0]?.card;
  if (scene === null || !card) return null;
  const free = scene === 'free';
  return {
    id: 'r1',
    name: free ? 'Free ride' : card.name,
    ftp_watts: FTP,
    segments: free ? [] : card.segments,
    workout_seconds: free ? 0 : card.seconds,
    trainer: 'Simulated trainer',
    simulated: true,
  };
}

function rideFrame(scene: string, ride: RideStart): RideFrame {
  const position = scene === 'ready' ? 0 : scene === 'complete' ? ride.workout_seconds : 1487;
  const index = segmentAt(ride.segments, position);
  const here = scene === 'complete' ? undefined : ride.segments[index];
  const after = ride.segments[index + 1];
  const riding = scene !== 'ready';
  return {
    id: ride.id,
    state: scene === 'ready' || scene === 'paused' || scene === 'complete' ? scene : 'riding',
    ridden: position,
    durable: position,
    position,
    segment: here ? index : null,
    segment_left: here ? here.start + here.seconds - position : null,
    workout_left: ride.workout_seconds > 0 ? ride.workout_seconds - position : null,
    target_power: here?.target.kind === 'power' ? Math.round(here.target.from * FTP) : null,
    target_cadence: here?.cadence ?? null,
    power: riding ? 255 : null,
    cadence: riding ? 91 : null,
    heart_rate: riding ? 158 : null,
    intensity: 100,
    cue: scene === 'riding' ? 'Settle into a rhythm you could hold for an hour' : null,
    next: here && after ? `Next: ${segmentWords({ ...after, cadence: null }, FTP)}` : null,
    work_kj: 271,
    trouble: scene === 'trouble' ? 'The disk is full: this ride goes on in the reserve. Free some space when you can.' : null,
  };
}

const OUTCOMES: ImportOutcome[] = [
  { file: 'club-tuesday.zwo', workout_id: 'own-1', name: 'Club Tuesday', seconds: 4200, warnings: [], error: null },
  { file: 'old-trainer.erg', workout_id: 'own-2', name: 'Old trainer', seconds: 2700, warnings: ['line 14: two points at the same time; the later one counts'], error: null },
  { file: 'broken.zwo', workout_id: null, name: null, seconds: null, warnings: [], error: 'broken.zwo, line 12, <SteadyState>: Duration is missing. Give it in seconds, for example Duration="300".' },
];
