// The strip, the account page and the locked screens in every state of the session.

import { emit } from '@tauri-apps/api/event';
import { clearMocks, mockIPC } from '@tauri-apps/api/mocks';
import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import App from './App.svelte';
import type { About, LibraryQuery, SessionView, SyncView, TodayView, WorkoutCard } from './backend';
import { notices } from './state/notice.svelte';
import { route } from './state/route.svelte';
import { support } from './state/support.svelte';
import { sync } from './state/sync.svelte';
import { daysLeft, keptWords, lockedWords, wantsAttention } from './words/session';

const SESSION: SessionView = {
  state: 'active',
  account: 'Dana Demo',
  server: 'https://ride.example.org',
  library_open: true,
  headline: '',
  detail: '',
  action: null,
  days_left: null,
  sign_in_url: null,
  device: null,
  vault: 'keyring',
};

const ABOUT: About = {
  version: '0.1.0',
  commit: 'abc',
  built: '2026-11-12',
  home: '/home/dana/freewheel',
  default_server: 'https://ride.example.org',
  vault: 'keyring',
  key_file: '/home/dana/freewheel/vault.key',
};

const DEVICE = { user_code: 'WDJB-MJHT', verification_uri: 'https://ride.example.org/oauth/device', verification_uri_complete: null };

const view = (session: Partial<SessionView>, waiting = 0): SyncView => ({
  network: 'up',
  service: { state: 'reachable', words: 'Freewheel is reachable', cause: null, since: null },
  data: { waiting, parked: 0, words: '', last_success: null, next_try: null, busy: false, disk: null, delivered: 0 },
  session: { ...SESSION, ...session },
  library: { workouts: 2, pulling: false, fresh_at: null, revision: 1, rides_revision: 1 },
});

const card = (id: string, own: boolean): WorkoutCard => ({
  id,
  name: own ? 'Club Tuesday' : 'Kestrel Climb',
  author: null,
  seconds: 600,
  tss: 10,
  intensity_factor: 0.8,
  zone: 'tempo',
  own,
  segments: [{ start: 0, seconds: 600, target: { kind: 'power', from: 0.8, to: 0.8 }, cadence: null, step: 0 }],
});

const TODAY: TodayView = {
  date: '2026-11-12',
  planned: [{ plan_item_id: 'p1', date: '2026-11-12', state: 'planned', note: null, workout: card('licensed', false) }],
  upcoming: [],
  suggestions: [],
  unfinished: [{ id: 'u1', name: 'Cut short', started_at: 0, seconds: 95 }],
  ftp_watts: 250,
};

let now: SyncView = view({});
let today: TodayView = TODAY;
let calls: { command: string; args: unknown }[] = [];
const called = (command: string) => calls.filter((call) => call.command === command).map((call) => call.args);

beforeEach(() => {
  [calls, now, today] = [[], view({}), TODAY];
  mockIPC(
    (command, args) => {
      calls.push({ command, args });
      const query = (args as { query?: LibraryQuery } | undefined)?.query;
      switch (command) {
        case 'about':
          return ABOUT;
        case 'sync_view':
          return now;
        case 'today':
          return today;
        case 'library': {
          const rows = [card('own', true), ...(query?.own ? [] : [card('licensed', false)])];
          return { total: rows.length, offset: 0, rows };
        }
        case 'import_workouts':
          return [];
        case 'ride_start':
        case 'ride_resume':
          throw { code: 'elsewhere', message: 'Not in this test.' };
        case 'support_report':
          return 'Vault: the keyring answers';
        default:
          return null;
      }
    },
    { shouldMockEvents: true },
  );
});

afterEach(() => {
  route.go('today');
  [sync.view, sync.failure] = [null, null];
  notices.clear();
  support.close();
  clearMocks();
});

function open(session: Partial<SessionView>, screenName: 'today' | 'library' | 'account' = 'today', waiting = 0) {
  now = view(session, waiting);
  route.go(screenName);
  const { container } = render(App);
  const find = (name: string) => container.querySelector<HTMLElement>(`[data-test="${name}"]`);
  const found = (name: string) =>
    waitFor(() => {
      const element = find(name);
      expect(element, name).toBeTruthy();
      return element as HTMLElement;
    });
  return { container, find, found };
}

describe('the strip', () => {
  it.each<[string, Partial<SessionView>, string, string | null]>([
    ['signed out', { state: 'signed_out', account: null, library_open: false, headline: 'Not signed in', action: 'sign_in' }, 'Sign in', null],
    ['signing in', { state: 'signing_in', headline: 'Signing in', action: 'cancel_sign_in' }, 'Cancel sign-in', 'cancel_sign_in'],
    ['offline', { state: 'offline', headline: 'Working offline', action: 'sync_now' }, 'Connect now', 'sync_now'],
    ['a locked keyring', { state: 'vault_unavailable', headline: 'The keyring is locked', action: 'unlock_keyring' }, 'Unlock the keyring', 'sync_now'],
    ['no keyring', { state: 'vault_unavailable', headline: 'No keyring found' }, 'Try again', 'sync_now'],
    ['a wrong clock', { state: 'offline', headline: 'Working offline', action: 'check_clock' }, 'Try again', 'sync_now'],
    ['a refused sign-in', { state: 'needs_sign_in', headline: 'Please sign in again', action: 'sign_in' }, 'Sign in', null],
    ['the end of the grace', { state: 'grace_expired', library_open: false, headline: 'The library is locked', action: 'sync_now' }, 'Connect now', 'sync_now'],
    ['a blocked account', { state: 'blocked', library_open: false, headline: 'This account is blocked', action: 'contact_support' }, 'Report for support…', 'support_report'],
  ])('says %s with one thing to do', async (_name, session, label, command) => {
    const { container, found } = open(session);
    const bar = await found('session');
    expect(bar.dataset['state']).toBe(session.state);
    expect(bar.textContent).toContain(session.headline);
    expect(bar.closest('[role="status"]')).toBeTruthy();
    const buttons = bar.querySelectorAll('button');
    expect([...buttons].map((button) => button.textContent)).toEqual([label]);
    await fireEvent.click(buttons[0] as HTMLElement);
    if (command) expect(called(command)).toHaveLength(1);
    else await waitFor(() => expect(container.querySelector('h1')?.textContent).toBe('Account'));
  });

  it.each(['active', 'outcome_unknown'])('says nothing when the session is %s', async (state) => {
    const { find, found } = open({ state });
    await found('fact-network');
    expect(find('session')).toBeNull();
  });

  it('counts the days from day 10 on, whatever else is said', async () => {
    const { find, found } = open({ state: 'vault_unavailable', headline: 'The keyring is locked', days_left: 3 });
    expect((await found('days-left')).textContent).toBe('3 days left');
    await emit('sync-view', view({ state: 'offline', headline: 'Working offline', days_left: 1 }));
    await waitFor(() => expect(find('days-left')?.textContent).toBe('last day'));
    // A server may allow three days only: with all well, that is nothing to say.
    await emit('sync-view', view({ state: 'active', days_left: 3 }));
    await waitFor(() => expect(find('session')).toBeNull());
  });

  it('warns of a sign-in that is in memory only', async () => {
    const { found } = open({ state: 'vault_unavailable', vault: 'memory', headline: 'Your sign-in could not be saved', detail: 'It works until you close Freewheel.' });
    const bar = await found('session');
    expect(bar.classList).toContain('attention');
    expect(bar.textContent).toContain('until you close Freewheel');
  });

  it('shows what support needs before it is copied', async () => {
    const { found } = open({ state: 'blocked', library_open: false, headline: 'This account is blocked', action: 'contact_support' });
    await fireEvent.click(await found('session-deed'));
    expect((await found('support-report')).textContent).toContain('the keyring answers');
  });
});

describe('the account page', () => {
  it('offers a code to those without a browser, shows it large, and can be left', async () => {
    const { find, found } = open({ state: 'signed_out', account: null, library_open: false, action: 'sign_in' }, 'account');
    await fireEvent.click(await found('sign-in-with-code'));
    expect(called('sign_in_with_device')).toEqual([{ server: 'https://ride.example.org' }]);
    await emit('sync-view', view({ state: 'signing_in', account: null, library_open: false, headline: 'Signing in', device: DEVICE }));
    expect((await found('session')).textContent).toContain(`WDJB-MJHT at ${DEVICE.verification_uri}`);
    const code = await found('device-code');
    expect(code.querySelector('[aria-hidden]')?.textContent).toBe('WDJB-MJHT');
    expect(code.querySelector('.unseen')?.textContent).toBe('W D J B dash M J H T');
    expect(find('device-address')?.textContent).toBe(DEVICE.verification_uri);
    expect(find('sign-in-url')).toBeNull();
    await fireEvent.click(find('cancel-sign-in') as HTMLElement);
    expect(called('cancel_sign_in')).toHaveLength(1);
  });

  it('keeps the account in sight while another sign-in is under way', async () => {
    const { find, found } = open({ state: 'signing_in', headline: 'Signing in', sign_in_url: 'https://ride.example.org/x' }, 'account');
    await found('signing-in');
    expect(find('account')?.textContent).toBe('Dana Demo');
  });

  it('says where to finish a sign-in that another Freewheel began', async () => {
    const { find, found } = open({ state: 'signing_in', account: null, headline: 'Signing in' }, 'account');
    expect((await found('sign-in-elsewhere')).textContent).toContain('another Freewheel on this computer');
    expect(find('sign-in-url')).toBeNull();
    expect(find('signing-in')?.textContent).not.toContain('browser');
    await fireEvent.click(find('cancel-sign-in') as HTMLElement);
    expect(called('cancel_sign_in')).toHaveLength(1);
  });

  it.each<[string, Partial<SessionView>]>([
    ['a grace that is over', { state: 'grace_expired', library_open: false, headline: 'The library is locked', action: 'sync_now' }],
    ['no keyring', { state: 'vault_unavailable', headline: 'No keyring found' }],
    ['a keyring that refuses', { state: 'vault_unavailable', headline: 'The keyring refuses Freewheel', action: 'unlock_keyring' }],
  ])('lets the athlete sign in again, quietly, with %s', async (_name, session) => {
    const { found } = open(session, 'account');
    const again = await found('sign-in');
    expect(again.classList).not.toContain('primary');
    await found('account-deed');
    await fireEvent.click(again);
    expect(called('sign_in')).toEqual([{ server: 'https://ride.example.org' }]);
  });

  it.each(['active', 'offline', 'blocked'])('offers no second sign-in when the session is %s', async (state) => {
    const { find, found } = open({ state }, 'account');
    await found('account-card');
    expect(find('sign-in')).toBeNull();
  });

  it('says what has to happen before the days are over', async () => {
    const left = { headline: 'x', days_left: 3 };
    const { find, found } = open({ ...left, state: 'offline' }, 'account');
    expect((await found('account-days-left')).textContent).toBe('3 days left before Freewheel must connect once');
    await emit('sync-view', view({ ...left, state: 'needs_sign_in', action: 'sign_in' }));
    await waitFor(() => expect(find('account-days-left')?.textContent).toBe('3 days left before you must sign in again'));
  });

  it.each<[string, Partial<SessionView>, RegExp]>([
    ['keyring', {}, /^In this computer’s keyring$/],
    ['key_file', {}, /^Weaker: .*Anyone who can read your files can read it: \/home\/dana\/freewheel\/vault.key$/],
    ['memory', { state: 'vault_unavailable', headline: 'x' }, /lost when you close Freewheel, and uploads may pause/],
    ['none', { state: 'vault_unavailable', headline: 'The keyring is locked' }, /The keyring is locked/],
    ['none', {}, /^Not read since/],
  ])('says where the sign-in is kept: %s', async (vault, session, words) => {
    const { found } = open({ ...session, vault }, 'account');
    const kept = await found('vault');
    expect(kept.dataset['kind']).toBe(vault);
    expect(kept.textContent).toMatch(words);
    expect(screen.getByText('https://ride.example.org')).toBeTruthy();
    expect(screen.getByText('0.1.0')).toBeTruthy();
  });

  it('says what becomes of rides that wait before anybody signs out', async () => {
    const { found } = open({}, 'account', 2);
    await fireEvent.click(await found('sign-out'));
    expect((await found('sign-out-words')).textContent).toMatch(/2 rides still to deliver: kept on this computer/);
    expect(called('sign_out')).toHaveLength(0);
    await fireEvent.click(await found('confirm-sign-out'));
    expect(called('sign_out')).toHaveLength(1);
  });

  it('asks for the sign-in again with the plain cause, and keeps the rest', async () => {
    const { found } = open({ state: 'needs_sign_in', headline: 'Please sign in again', detail: 'The service ended this sign-in.', action: 'sign_in' }, 'account');
    expect((await found('account-card')).textContent).toContain('The service ended this sign-in.');
    await fireEvent.click(await found('sign-in'));
    expect(called('sign_in')).toEqual([{ server: 'https://ride.example.org' }]);
  });
});

describe('what is open without an account or after the grace', () => {
  const LOCKED: [string, Partial<SessionView>][] = [
    ['signed out', { state: 'signed_out', account: null, library_open: false, headline: 'Not signed in', action: 'sign_in' }],
    ['signing in for the first time', { state: 'signing_in', account: null, library_open: false, headline: 'Signing in', action: 'cancel_sign_in' }],
    ['grace expired', { state: 'grace_expired', library_open: false, headline: 'The library is locked', detail: 'Connect once.', action: 'sync_now' }],
    ['blocked', { state: 'blocked', library_open: false, headline: 'This account is blocked', detail: 'Please contact support.', action: 'contact_support' }],
  ];

  it.each(LOCKED)('%s: own files, free ride, import and an unfinished ride are at hand on Today', async (_name, session) => {
    const { container, found } = open(session);
    const own = await found('own-workouts');
    await waitFor(() => expect(own.textContent).toContain('Club Tuesday'));
    const start = container.querySelector<HTMLButtonElement>('[data-test="start"]');
    expect(start?.disabled).toBe(true);
    expect((await found('locked')).textContent).toMatch(/not deleted|Nothing is deleted/);
    await fireEvent.click(await found('import-own'));
    expect(called('import_workouts')).toHaveLength(1);
    await fireEvent.click(await found('resume'));
    expect(called('ride_resume')).toEqual([{ id: 'u1' }]);
    await fireEvent.click(await found('free-ride'));
    expect(called('ride_start')).toEqual([{ workoutId: null, planItemId: null }]);
  });

  it.each(LOCKED)('%s: the library says what is locked and leads to own files', async (_name, session) => {
    const { container, found } = open(session, 'library');
    const why = await found('library-locked');
    expect(why.textContent).toMatch(/not deleted|Nothing is deleted/);
    await waitFor(() => expect(container.querySelector('[data-id="licensed"]')?.textContent).toContain('Locked'));
    expect(container.querySelector('[data-id="own"]')?.textContent).toContain('Own file');
    await fireEvent.click(why.querySelector('button') as HTMLElement);
    await waitFor(() => expect(container.querySelector('[data-id="licensed"]')).toBeNull());
  });

  it('says what to do where there is no file yet', async () => {
    today = { ...TODAY, planned: [], unfinished: [] };
    const { found } = open({ state: 'signed_out', account: null, library_open: false, headline: 'Not signed in', action: 'sign_in' });
    expect((await found('signed-out')).textContent).toContain('need no account');
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Free ride' }).disabled).toBe(false);
  });
});

describe('the words', () => {
  it('name the lock in full sentences', () => {
    const words = (part: Partial<SessionView>) => lockedWords({ ...SESSION, library_open: false, ...part });
    expect(words({ state: 'grace_expired', headline: 'The library is locked', detail: 'Connect once.' })).toBe('The library is locked. Connect once. Nothing is deleted.');
    expect(words({ state: 'signed_out', account: null })).toMatch(/^Locked until you sign in/);
    expect(words({ state: 'signing_in' })).toMatch(/^Locked until you are signed in/);
  });

  it('count no days where nothing is open any more', () => {
    const left = (days_left: number, part: Partial<SessionView> = {}) => daysLeft({ ...SESSION, headline: 'x', days_left, ...part });
    expect(left(0, { library_open: false })).toBe('');
    expect(left(3, { headline: '' })).toBe('');
    expect(left(0)).toBe('last day');
    expect(left(4)).toBe('4 days left');
  });

  it('leave being offline unremarked until the grace runs out', () => {
    expect(wantsAttention({ ...SESSION, state: 'offline' })).toBe(false);
    expect(wantsAttention({ ...SESSION, state: 'offline', headline: 'x', days_left: 4 })).toBe(true);
    expect(keptWords({ ...SESSION, vault: 'none' }, ABOUT)).toBe('Not read since Freewheel was opened');
  });
});
