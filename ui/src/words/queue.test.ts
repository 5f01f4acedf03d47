import { describe, expect, it } from 'vitest';
import type { OutboxRow } from '../backend';
import { inOrder, kindWords, queueWords } from './queue';

const NOW = new Date(2026, 10, 12, 18, 0).getTime();
const row = (fields: Partial<OutboxRow>): OutboxRow => ({
  id: 'a',
  kind: 'ride',
  created: NOW - 60_000,
  name: 'Kestrel Climb',
  state: 'waiting',
  attempts: 0,
  next_try: null,
  reason: null,
  last_error: null,
  delivered_at: null,
  ...fields,
});

describe('an entry of the queue', () => {
  it('says when it goes on, and why it waits', () => {
    expect(queueWords(row({}), NOW)).toEqual({ head: 'Waiting · goes as soon as it can', detail: '' });
    expect(queueWords(row({ next_try: NOW - 1 }), NOW).head).toBe('Waiting · next try now');
    const tried = row({ next_try: NOW + 60_000, attempts: 3, last_error: 'the service answered with 503.' });
    expect(queueWords(tried, NOW)).toEqual({
      head: 'Waiting · next try 18:01',
      detail: 'The service answered with 503 · tried 3 times',
    });
    expect(queueWords(row({ attempts: 1 }), NOW).detail).toBe('Tried once');
  });

  it('says what needs the athlete, also without a reason', () => {
    expect(queueWords(row({ state: 'parked', reason: 'It is too large.' }), NOW)).toEqual({
      head: 'Needs you · kept on this computer',
      detail: 'It is too large.',
    });
    expect(queueWords(row({ state: 'parked' }), NOW).detail).not.toBe('');
  });

  it('says that it goes, or went', () => {
    expect(queueWords(row({ state: 'in_flight' }), NOW).head).toBe('Sending now');
    expect(queueWords(row({ state: 'delivered', delivered_at: NOW }), NOW).head).toBe('Delivered 18:00');
  });

  it('has a word for kinds of a newer version', () => {
    expect([kindWords('ride'), kindWords('race_result')]).toEqual(['Ride', 'Race result']);
  });

  it('puts what needs the athlete first and the newest delivery first', () => {
    const rows = [
      row({ id: 'old', state: 'delivered', delivered_at: NOW - 9 }),
      row({ id: 'new', state: 'delivered', delivered_at: NOW }),
      row({ id: 'late', created: NOW }),
      row({ id: 'early', created: NOW - 5 }),
      row({ id: 'parked', state: 'parked', created: NOW + 5 }),
      row({ id: 'flying', state: 'in_flight', created: NOW + 9 }),
    ];
    const { open, delivered } = inOrder(rows);
    expect(open.map((each) => each.id)).toEqual(['parked', 'flying', 'early', 'late']);
    expect(delivered.map((each) => each.id)).toEqual(['new', 'old']);
  });
});
