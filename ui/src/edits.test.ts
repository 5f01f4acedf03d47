// What the athlete changes on the screens, against Tauri's own mock of the shell.

import { clearMocks, mockIPC } from '@tauri-apps/api/mocks';
import { cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/svelte';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ConflictView, EditMark, PlannedCard, RideCard } from './backend';
import Conflicts from './conflicts/Conflicts.svelte';
import RideDialog from './history/RideDialog.svelte';
import RideRow from './history/RideRow.svelte';
import { notices } from './state/notice.svelte';
import Planned from './today/Planned.svelte';
import { effortWords } from './words/effort';

const WAITING: EditMark = { id: 'e1', state: 'waiting', words: 'Waiting to be sent' };

const item = (part: Partial<PlannedCard>): PlannedCard => ({
  plan_item_id: 'p1',
  date: '2026-03-02',
  state: 'planned',
  ridden: false,
  note: null,
  workout: {
    id: 'w1',
    name: 'Hill repeats',
    author: null,
    seconds: 600,
    tss: 10,
    intensity_factor: 0.8,
    zone: 'tempo',
    own: false,
    segments: [{ start: 0, seconds: 600, target: { kind: 'power', from: 0.8, to: 0.8 }, cadence: null, step: 0 }],
  },
  edit: null,
  ...part,
});

const RIDE: RideCard = {
  id: 'r1',
  name: 'Hill repeats',
  started_at: 1_772_352_000_000,
  summary: {
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
  },
  simulated: false,
  digest: 'abc',
  delivery: { state: 'delivered', at: 1_772_352_000_000 },
  note: null,
  rpe: null,
  edit: null,
};

const CONFLICT: ConflictView = {
  id: 'c1',
  plan_item_id: 'p1',
  ride_id: null,
  about: 'Hill repeats',
  part: 'Day',
  mine: 'Tuesday 3 March 2026',
  theirs: 'Friday 6 March 2026',
  refused: null,
  made: 1_772_352_000_000,
};

let calls: { command: string; args: unknown }[] = [];
let open: ConflictView[] = [];
let failing: string | null = null;
const asked = (command: string) => calls.filter((call) => call.command === command).map((call) => call.args);

beforeEach(() => {
  [calls, open, failing] = [[], [], null];
  mockIPC((command, args) => {
    calls.push({ command, args });
    if (command === failing) throw { code: 'edit_invalid', message: 'This cannot be.' };
    if (command === 'choose') open = [];
    return command === 'conflicts' ? open : null;
  });
});

afterEach(() => {
  cleanup();
  notices.clear();
  clearMocks();
});

const planned = (part: Partial<PlannedCard>) => render(Planned, { item: item(part), ftp: 250, first: true });

it('moves a planned workout to the day that was picked', async () => {
  planned({});
  await fireEvent.click(screen.getByRole('button', { name: 'Move Hill repeats to another day' }));
  const day = screen.getByLabelText<HTMLInputElement>('To which day?');
  expect(day.value).toBe('2026-03-02');
  const save = screen.getByRole<HTMLButtonElement>('button', { name: 'Move' });
  expect(save.disabled).toBe(true);
  await fireEvent.input(day, { target: { value: '2026-03-05' } });
  await fireEvent.click(save);
  await waitFor(() => expect(screen.queryByLabelText('To which day?')).toBeNull());
  expect(asked('edit')).toEqual([{ request: { kind: 'move_planned', plan_item_id: 'p1', date: '2026-03-05' } }]);
});

it('skips a planned workout, marks it as done, and puts it back unless a ride did it', async () => {
  const request = (state: string) => ({ request: { kind: 'mark_planned', plan_item_id: 'p1', state } });
  const { rerender } = planned({});
  await fireEvent.click(screen.getByRole('button', { name: 'Skip Hill repeats' }));
  await fireEvent.click(screen.getByRole('button', { name: 'Mark Hill repeats as done' }));
  await rerender({ item: item({ state: 'skipped' }), ftp: 250, first: true });
  expect(screen.queryByRole('button', { name: 'Skip Hill repeats' })).toBeNull();
  await fireEvent.click(screen.getByRole('button', { name: 'Put Hill repeats back' }));
  expect(asked('edit')).toEqual([request('skipped'), request('done'), request('planned')]);
  await rerender({ item: item({ state: 'done', ridden: true }), ftp: 250, first: true });
  expect(screen.queryByRole('button', { name: 'Put Hill repeats back' })).toBeNull();
});

it.each<EditMark>([
  WAITING,
  { id: 'e1', state: 'parked', words: 'The service does not understand this change.' },
  { id: 'e1', state: 'conflict', words: 'Changed here and elsewhere' },
])('says in words how a change is: $words', (edit) => {
  const { container } = planned({ edit });
  const mark = container.querySelector<HTMLElement>('[data-test="change"]');
  expect(mark?.textContent).toContain(edit.words);
  expect(mark?.dataset['state']).toBe(edit.state);
});

it('keeps the dialog open and says why when a change cannot be made', async () => {
  failing = 'edit';
  planned({});
  await fireEvent.click(screen.getByRole('button', { name: 'Move Hill repeats to another day' }));
  await fireEvent.input(screen.getByLabelText('To which day?'), { target: { value: '2026-03-05' } });
  await fireEvent.click(screen.getByRole('button', { name: 'Move' }));
  await waitFor(() => expect(notices.current).toEqual({ kind: 'failed', text: 'This cannot be.' }));
  expect(screen.getByLabelText('To which day?')).toBeTruthy();
});

it('sends only what was changed about a ride', async () => {
  let closed = 0;
  render(RideDialog, { ride: { ...RIDE, note: 'windy' }, close: () => (closed += 1) });
  await fireEvent.input(screen.getByLabelText('Title'), { target: { value: 'Hills' } });
  await fireEvent.change(screen.getByLabelText('How hard was it?'), { target: { value: '7' } });
  await fireEvent.click(screen.getByRole('button', { name: 'Save' }));
  await waitFor(() => expect(closed).toBe(1));
  expect(asked('edit')).toEqual([
    { request: { kind: 'rename_ride', ride_id: 'r1', title: 'Hills' } },
    { request: { kind: 'rate_ride', ride_id: 'r1', rpe: 7 } },
  ]);
});

it('takes a note and a rating away', async () => {
  render(RideDialog, { ride: { ...RIDE, note: 'windy', rpe: 3 }, close: () => {} });
  await fireEvent.input(screen.getByLabelText('Note'), { target: { value: '' } });
  await fireEvent.change(screen.getByLabelText('How hard was it?'), { target: { value: '' } });
  await fireEvent.click(screen.getByRole('button', { name: 'Save' }));
  await waitFor(() => expect(asked('edit')).toHaveLength(2));
  expect(asked('edit')[0]).toEqual({ request: { kind: 'note_ride', ride_id: 'r1', note: '' } });
  expect(asked('edit')[1]).toEqual({ request: { kind: 'rate_ride', ride_id: 'r1', rpe: null } });
});

it('shows what was said about a ride in its row', () => {
  const table = document.createElement('tbody');
  document.body.append(table);
  const nothing = () => {};
  const ride: RideCard = { ...RIDE, note: 'windy', rpe: 7, edit: WAITING };
  render(RideRow, { target: table, props: { ride, save: nothing, describe: nothing, retry: nothing } });
  expect(within(table).getByText('windy')).toBeTruthy();
  expect(within(table).getByText('Effort 7 · very hard')).toBeTruthy();
  expect(within(table).getByText('Waiting to be sent')).toBeTruthy();
});

it.each([
  ['Keep mine', 'mine'],
  ['Keep the service’s', 'theirs'],
])('shows both versions, and "%s" keeps one', async (label, choice) => {
  open = [CONFLICT];
  const { container } = render(Conflicts);
  const conflict = await waitFor(() => screen.getByRole('article'));
  expect(within(conflict).getByText('Tuesday 3 March 2026')).toBeTruthy();
  expect(within(conflict).getByText('Friday 6 March 2026')).toBeTruthy();
  await fireEvent.click(within(conflict).getByRole('button', { name: label }));
  await waitFor(() => expect(container.querySelector('[data-test="conflicts"]')).toBeNull());
  expect(asked('choose')).toEqual([{ id: 'c1', choice }]);
});

it.each([
  ['Try again', 'mine'],
  ['Undo my change', 'theirs'],
])('says why the service does not take a change, and offers "%s"', async (label, choice) => {
  open = [{ ...CONFLICT, theirs: '', refused: 'The service does not have what this change is about.' }];
  render(Conflicts);
  const conflict = await waitFor(() => screen.getByRole('article'));
  expect(within(conflict).getByText('The service does not have what this change is about.')).toBeTruthy();
  expect(within(conflict).queryByText(/elsewhere/)).toBeNull();
  await fireEvent.click(within(conflict).getByRole('button', { name: label }));
  await waitFor(() => expect(asked('choose')).toEqual([{ id: 'c1', choice }]));
});

it('shows nothing where there is nothing to choose', async () => {
  const { container } = render(Conflicts);
  await waitFor(() => expect(asked('conflicts')).toHaveLength(1));
  expect(container.textContent?.trim()).toBe('');
});

it.each([
  [1, '1 · very easy'],
  [6, '6'],
  [10, '10 · maximal'],
])('says an effort of %i in the words of its scale', (effort, words) => {
  expect(effortWords(effort)).toBe(words);
});
