// The screens against Tauri's own mock of the shell.

import { emit } from '@tauri-apps/api/event';
import { clearMocks, mockIPC } from '@tauri-apps/api/mocks';
import { fireEvent, render, screen, waitFor, within } from '@testing-library/svelte';
import { afterEach, beforeEach, expect, it } from 'vitest';
import App from './App.svelte';
import type { LibraryQuery, RideCard, RideFrame, RideStart, SyncView, TodayView, WorkoutCard } from './backend';
import { ride } from './state/ride.svelte';
import { route } from './state/route.svelte';
import { sync } from './state/sync.svelte';

const SUMMARY = {
  seconds: 60,
  elapsed_seconds: 60,
  average_power: 180,
  max_power: 220,
  normalized_power: 190,
  intensity_factor: 0.8,
  tss: 1.2,
  work_kj: 11,
  average_cadence: 90,
  average_heart_rate: 140,
  max_heart_rate: 150,
};

const card = (index: number, name = `Workout ${index}`): WorkoutCard => ({
  id: `w${index}`,
  name,
  author: null,
  seconds: 600,
  tss: 10,
  intensity_factor: 0.8,
  zone: 'tempo',
  own: false,
  segments: [{ start: 0, seconds: 600, target: { kind: 'power', from: 0.8, to: 0.8 }, cadence: null, step: 0 }],
});

const START: RideStart = { id: 'r1', name: 'Workout 1', ftp_watts: 250, segments: card(1).segments, workout_seconds: 600, trainer: 'sim', simulated: true };

const frame = (part: Partial<RideFrame>): RideFrame => ({
  id: 'r1',
  state: 'riding',
  ridden: 12,
  durable: 11,
  position: 12,
  segment: 0,
  segment_left: 588,
  workout_left: 588,
  target_power: 200,
  target_cadence: null,
  power: 212,
  cadence: 90,
  heart_rate: 140,
  intensity: 100,
  cue: null,
  next: null,
  work_kj: 2,
  trouble: null,
  ...part,
});

const VIEW: SyncView = {
  network: 'up',
  service: { state: 'unreachable', words: 'Freewheel cannot be reached', cause: 'The service did not answer in time.', since: Date.now() },
  data: { waiting: 1, parked: 0, words: '1 ride waiting', last_success: null, next_try: Date.now() + 40_000, busy: false, disk: null, delivered: 0 },
  session: { state: 'active', account: 'Demo', server: null, library_open: true, headline: '', detail: '', action: null, days_left: null, sign_in_url: null, device: null, vault: 'keyring' },
  library: { workouts: 1, pulling: false, fresh_at: null, revision: 1, rides_revision: 1 },
};

const TODAY: TodayView = {
  date: '2026-11-12',
  planned: [{ plan_item_id: 'p1', date: '2026-11-12', state: 'planned', note: null, workout: card(1) }],
  upcoming: [],
  suggestions: [],
  unfinished: [],
  ftp_watts: 250,
};

const RIDE: RideCard = {
  id: 'r1',
  name: 'Workout 1',
  started_at: Date.now(),
  summary: SUMMARY,
  simulated: true,
  digest: 'abc123',
  delivery: { state: 'waiting', next_try: 1_800_000_000_000, attempts: 1, words: 'Waiting to upload · Freewheel cannot be reached' },
};

/** Answers that a test puts in the place of the usual ones. */
let instead: Record<string, () => unknown> = {};
let calls: { command: string; args: unknown }[] = [];
const called = (command: string) => calls.filter((call) => call.command === command).map((call) => call.args);

beforeEach(() => {
  [calls, instead] = [[], {}];
  mockIPC(
    (command, args) => {
      calls.push({ command, args });
      const query = (args as { query?: LibraryQuery } | undefined)?.query;
      const answer = instead[command];
      if (answer) return answer();
      switch (command) {
        case 'sync_view':
          return VIEW;
        case 'today':
          return TODAY;
        case 'library': {
          const total = query?.text === 'nothing' ? 0 : 10_000;
          const rows = Math.min(query?.limit ?? 0, total);
          return { total, offset: query?.offset, rows: Array.from({ length: rows }, (_, at) => card((query?.offset ?? 0) + at)) };
        }
        case 'history':
          return [RIDE];
        case 'ride_start':
          return START;
        case 'ride_finish':
          return { id: 'r1', name: 'Workout 1', summary: SUMMARY };
        default:
          return null;
      }
    },
    { shouldMockEvents: true },
  );
});

afterEach(() => {
  ride.leave('today');
  sync.view = null;
  sync.failure = null;
  clearMocks();
});

it('shows three separate facts and counts down to the next try', async () => {
  render(App);
  await waitFor(() => expect(screen.getByText(/1 ride waiting · next try in (40|39) s/)).toBeTruthy());
  expect(screen.getByText('network up')).toBeTruthy();
  expect(screen.getByText(/^cannot be reached since/)).toBeTruthy();
  await emit('sync-view', { ...VIEW, data: { ...VIEW.data, waiting: 0, words: 'Everything is delivered', next_try: null } });
  await waitFor(() => expect(screen.getByText('Everything is delivered')).toBeTruthy());
});

it('rides the planned workout by keyboard alone and says that it is saved', async () => {
  const { container } = render(App);
  const find = (name: string) => container.querySelector<HTMLElement>(`[data-test="${name}"]`);
  await fireEvent.click(await waitFor(() => screen.getByRole('button', { name: 'Start' })));
  await waitFor(() => expect(find('ride')?.dataset['state']).toBe('ready'));
  expect(called('ride_start')).toEqual([{ workoutId: 'w1', planItemId: 'p1' }]);

  await fireEvent.keyDown(window, { key: ' ' });
  await fireEvent.keyDown(window, { key: 'ArrowDown', shiftKey: true });
  expect(called('ride_command')).toEqual([{ command: { kind: 'toggle' } }, { command: { kind: 'intensity', percent: -5 } }]);

  await emit('ride-frame', frame({}));
  await waitFor(() => expect(find('ride')?.dataset).toMatchObject({ state: 'riding', ridden: '12', durable: '11' }));
  expect(find('aim')?.textContent).toBe('12 W over');
  expect(find('simulated')).toBeTruthy();

  await emit('ride-frame', frame({ trouble: 'The disk is full: the ride goes on in the reserve.' }));
  await waitFor(() => expect(find('trouble')?.textContent).toContain('The disk is full'));

  await fireEvent.keyDown(window, { key: 'Escape' });
  await fireEvent.click(await waitFor(() => find('finish') as HTMLElement));
  const saved = await waitFor(() => find('saved') as HTMLElement);
  expect(within(saved).getByText('✓ Saved on this computer')).toBeTruthy();
  await waitFor(() => expect(saved.dataset['delivery']).toBe('waiting'));

  await fireEvent.click(find('to-history') as HTMLElement);
  const row = await waitFor(() => find('ride-row') as HTMLElement);
  expect(row.dataset).toMatchObject({ id: 'r1', delivery: 'waiting', nextTry: '1800000000000', digest: 'abc123' });
});

it('ignores the frames of another ride', async () => {
  const { container } = render(App);
  await fireEvent.click(await waitFor(() => screen.getByRole('button', { name: 'Start' })));
  await emit('ride-frame', frame({ id: 'other', ridden: 999 }));
  await waitFor(() => expect(container.querySelector('[data-test="ride"]')).toBeTruthy());
  expect(container.querySelector<HTMLElement>('[data-test="ride"]')?.dataset['ridden']).toBe('0');
});

it('keeps only the rows in sight of ten thousand, and says what to do when none fits', async () => {
  route.go('library');
  const { container } = render(App);
  await waitFor(() => expect(container.querySelector<HTMLElement>('[data-test="library-total"]')?.dataset['count']).toBe('10000'));
  await waitFor(() => expect(container.querySelectorAll('[data-test="workout-row"]').length).toBeGreaterThan(5));
  expect(container.querySelectorAll('[data-test="workout-row"]').length).toBeLessThan(40);

  const list = screen.getByRole('listbox');
  await fireEvent.keyDown(list, { key: 'End' });
  await waitFor(() => expect(container.querySelector('[data-id="w9999"]')).toBeTruthy());

  await fireEvent.input(screen.getByRole('searchbox'), { target: { value: 'nothing' } });
  await waitFor(() => expect(screen.getByText('No workout fits')).toBeTruthy());
  await fireEvent.click(screen.getByRole('button', { name: 'Clear search and filters' }));
  await waitFor(() => expect(container.querySelector('[data-id="w0"]')).toBeTruthy());
});

it('marks the body once the first screen has its data', async () => {
  render(App);
  await waitFor(() => expect(document.body.dataset['ready']).toBe('true'));
});

const ABOUT = { version: '0.1.0', commit: 'abc', built: '2026-11-12', home: '/home', default_server: 'http://127.0.0.1:8787', vault: 'keyring', key_file: '/home/vault.key' };
const withSession = (part: Partial<SyncView['session']>) => ({ ...VIEW, session: { ...VIEW.session, ...part } });

it('offers the usual server, and says why another address is refused', async () => {
  instead = {
    about: () => ABOUT,
    sync_view: () => withSession({ state: 'signed_out', account: null }),
    sign_in: () => Promise.reject({ code: 'server_address', message: 'This is not a server address.' }),
  };
  route.go('account');
  render(App);
  const field = await waitFor(() => screen.getByLabelText<HTMLInputElement>('Server address'));
  expect(field.value).toBe('http://127.0.0.1:8787');
  await fireEvent.input(field, { target: { value: 'nonsense ' } });
  await fireEvent.click(screen.getByRole('button', { name: 'Sign in' }));
  await waitFor(() => expect(screen.getByText('This is not a server address.')).toBeTruthy());
  expect(called('sign_in')).toEqual([{ server: 'nonsense' }]);
  expect(field.value).toBe('nonsense');
});

it('shows the address to open while a sign-in is under way, and can leave it', async () => {
  const url = 'http://127.0.0.1:8787/oauth/authorize?state=x';
  instead = { about: () => ABOUT, sync_view: () => withSession({ state: 'signing_in', sign_in_url: url }) };
  route.go('account');
  const { container } = render(App);
  await waitFor(() => expect(container.querySelector('[data-test="sign-in-url"]')?.textContent).toBe(url));
  await fireEvent.click(screen.getByRole('button', { name: 'Cancel' }));
  expect(called('cancel_sign_in')).toHaveLength(1);
});

it('locks only the licensed workout when the grace is over, and says so', async () => {
  instead = {
    sync_view: () => withSession({ state: 'grace_expired', library_open: false, headline: 'Connect once to open the library.' }),
    today: () => ({ ...TODAY, planned: [...TODAY.planned, { ...TODAY.planned[0], plan_item_id: 'p2', workout: { ...card(2), own: true } }] }),
  };
  const { container } = render(App);
  await waitFor(() => expect(screen.getByText('Locked for now, not deleted.')).toBeTruthy());
  const starts = [...container.querySelectorAll<HTMLButtonElement>('[data-test="start"]')];
  expect(starts.map((button) => button.disabled)).toEqual([true, false]);
  expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Free ride' }).disabled).toBe(false);
});

it('offers to resume or save a ride that was cut short', async () => {
  instead = {
    today: () => ({ ...TODAY, unfinished: [{ id: 'u1', name: 'Cut short', started_at: Date.now(), seconds: 95 }] }),
    ride_finish_unfinished: () => ({ id: 'u1', name: 'Cut short', summary: SUMMARY }),
  };
  render(App);
  await waitFor(() => expect(screen.getByText(/1:35 of riding is safe/)).toBeTruthy());
  await fireEvent.click(screen.getByRole('button', { name: 'Finish and save' }));
  await waitFor(() => expect(screen.getByText(/Cut short: saved on this computer, 1 min/)).toBeTruthy());
  expect(called('ride_finish_unfinished')).toEqual([{ id: 'u1' }]);
});

it('keeps the ride open and says why when it could not be saved', async () => {
  instead = { ride_finish: () => Promise.reject({ code: 'disk', message: 'The disk is full; nothing is lost.' }) };
  const { container } = render(App);
  await fireEvent.click(await waitFor(() => screen.getByRole('button', { name: 'Start' })));
  await emit('ride-frame', frame({}));
  await fireEvent.keyDown(window, { key: 'f' });
  await fireEvent.click(await waitFor(() => container.querySelector('[data-test="finish"]') as HTMLElement));
  await waitFor(() => expect(screen.getByText('The disk is full; nothing is lost.')).toBeTruthy());
  expect(container.querySelector<HTMLElement>('[data-test="ride"]')?.dataset['state']).toBe('riding');
});

it('tells each segment of the profile to the keyboard', async () => {
  const segments = [0, 1, 2].map((at) => ({ start: at * 60, seconds: 60, target: { kind: 'power' as const, from: 0.5 + at / 10, to: 0.5 + at / 10 }, cadence: null, step: 0 }));
  instead = { today: () => ({ ...TODAY, planned: [{ ...TODAY.planned[0], workout: { ...card(1), segments } }] }) };
  render(App);
  const first = await waitFor(() => screen.getByLabelText(/^Segment 1 of 3 at 0:00: 1:00 at 125\sW/));
  await fireEvent.keyDown(first, { key: 'ArrowRight' });
  expect(document.activeElement?.getAttribute('aria-label')).toMatch(/^Segment 2 of 3 at 1:00: 1:00 at 150\sW/);
  await fireEvent.keyDown(document.activeElement as Element, { key: 'End' });
  expect(document.activeElement?.getAttribute('aria-label')).toMatch(/^Segment 3 of 3/);
});

it('says why the profile cannot be opened, and shows nothing else', async () => {
  const refused = () => Promise.reject({ code: 'home_not_created', message: 'The folder cannot be made.' });
  for (const command of ['sync_view', 'today', 'ride_current']) instead[command] = refused;
  render(App);
  const page = await screen.findByRole('heading', { name: 'Freewheel cannot open your data' });
  expect(page.parentElement?.textContent).toContain('The folder cannot be made.');
  expect(screen.queryByRole('navigation')).toBeNull();
});
