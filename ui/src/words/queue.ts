// An entry of the queue, in words.

import type { OutboxRow } from '../backend';
import { pointWords } from './time';

export type QueueWords = {
  /** Where it is, and when it goes on. */
  head: string;
  /** Why, as a sentence; may be empty. */
  detail: string;
};

const REASONLESS = 'The service did not take it and did not say why.';

export function queueWords(row: OutboxRow, now: number): QueueWords {
  switch (row.state) {
    case 'in_flight':
      return { head: 'Sending now', detail: '' };
    case 'delivered':
      return { head: row.delivered_at === null ? 'Delivered' : `Delivered ${pointWords(row.delivered_at, now)}`, detail: '' };
    case 'parked':
      return { head: 'Needs you · kept on this computer', detail: row.reason ?? REASONLESS };
    default:
      return { head: `Waiting · ${next(row, now)}`, detail: whyWaiting(row) };
  }
}

function next(row: OutboxRow, now: number): string {
  if (row.next_try === null) return 'goes as soon as it can';
  return row.next_try <= now ? 'next try now' : `next try ${pointWords(row.next_try, now)}`;
}

function whyWaiting(row: OutboxRow): string {
  const tries = row.attempts === 1 ? 'tried once' : row.attempts > 1 ? `tried ${row.attempts} times` : '';
  const said = row.last_error ?? '';
  if (said === '') return tries && capital(tries);
  return tries === '' ? capital(said) : `${capital(said.replace(/\.$/, ''))} · ${tries}`;
}

const capital = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1);

const KINDS: Record<string, string> = { ride: 'Ride', edit: 'Change' };

/** What the athlete calls it; kinds of a newer version by their own word. */
export const kindWords = (kind: string): string => KINDS[kind] ?? capital(kind.replaceAll('_', ' '));

/** What still has to go first, what needs the athlete before everything; then the delivered, the newest first. */
export function inOrder(rows: OutboxRow[]): { open: OutboxRow[]; delivered: OutboxRow[] } {
  const rank = (row: OutboxRow) => (row.state === 'parked' ? 0 : row.state === 'in_flight' ? 1 : 2);
  const open = rows.filter((row) => row.state !== 'delivered').sort((a, b) => rank(a) - rank(b) || a.created - b.created);
  const delivered = rows
    .filter((row) => row.state === 'delivered')
    .sort((a, b) => (b.delivered_at ?? 0) - (a.delivered_at ?? 0));
  return { open, delivered };
}
