// Where a ride is, in words; and what the data fact says.

import type { DataFact, Delivery, ServiceFact, ServiceState } from '../backend';
import { untilWords } from './duration';
import { clockTime, dayWords, pointWords } from './time';

export type DeliveryWords = { head: string; detail: string };

export function deliveryWords(delivery: Delivery, now: number): DeliveryWords {
  switch (delivery.state) {
    case 'local_only':
      return { head: 'On this computer only', detail: 'Recorded while nobody was signed in' };
    case 'sending':
      return { head: 'Sending now', detail: '' };
    case 'delivered':
      return { head: `Delivered ${dayWords(delivery.at, now)} ${clockTime(delivery.at)}`, detail: '' };
    case 'parked':
      return { head: 'Needs you · kept on this computer', detail: delivery.reason };
    case 'waiting': {
      const [head = 'Waiting to upload', ...why] = (delivery.words || 'Waiting to upload').split(' · ');
      const tries = delivery.attempts === 1 ? 'tried once' : delivery.attempts > 1 ? `tried ${delivery.attempts} times` : '';
      const next = delivery.next_try === null ? '' : ` · next try ${pointWords(delivery.next_try, now)}`;
      // A sentence that something follows loses its full stop.
      const parts = [...why, tries].filter(Boolean);
      const open = parts.map((part, at) => (at < parts.length - 1 ? part.replace(/\.$/, '') : part));
      return { head: head + next, detail: capital(open.join(' · ')) };
    }
  }
}

const capital = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1);

/** `2 rides waiting · next try in 40 s · last success 09:12`: what matters most stands first. */
export function dataWords(data: DataFact, now: number): string {
  const parts = [data.words];
  if (data.busy) parts.push('syncing now');
  else if (data.next_try !== null) parts.push(`next try ${untilWords(data.next_try, now)}`);
  if (data.last_success !== null) parts.push(`last success ${pointWords(data.last_success, now)}`);
  return parts.filter(Boolean).join(' · ');
}

/** The data fact in one word. */
export function dataState(data: DataFact): 'busy' | 'parked' | 'waiting' | 'clear' {
  if (data.busy) return 'busy';
  if (data.parked > 0) return 'parked';
  return data.waiting > 0 ? 'waiting' : 'clear';
}

const SERVICE: Record<ServiceState, string> = {
  unknown: 'not asked yet',
  reachable: 'reachable',
  unreachable: 'cannot be reached',
  trouble: 'answers, but not as it should',
};

/** `cannot be reached since 18:02`: stands behind the label "Freewheel", so its own name is not said twice. */
export function serviceWords(service: ServiceFact, now: number): string {
  const words = service.words.replace(/^Freewheel\s+(is\s+)?/, '') || SERVICE[service.state];
  const since = service.state === 'unreachable' || service.state === 'trouble' ? service.since : null;
  return since === null ? words : `${words} since ${pointWords(since, now)}`;
}
