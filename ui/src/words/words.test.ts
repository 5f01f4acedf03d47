import { describe, expect, it } from 'vitest';
import type { DataFact, Delivery, ServiceFact } from '../backend';
import { dataState, dataWords, deliveryWords, serviceWords } from './delivery';
import { clock, lengthWords, untilWords } from './duration';
import { cadence, count, intensityFactor, tss, watts } from './numbers';
import { localDay, longDay, planDay, pointWords, rideTime } from './time';
import { segmentWords, stepWords } from './workout';

const at = (...parts: [number, number, number, number, number]) => new Date(...parts).getTime();
const now = at(2026, 10, 12, 18, 30);
const plain = (words: string) => words.replaceAll('\u00a0', ' ');

describe('lengths', () => {
  it.each([[0, '0 s'], [45, '45 s'], [60, '1 min'], [3480, '58 min'], [3599, '1 h 00 min'], [3900, '1 h 05 min'], [7200, '2 h 00 min']])(
    '%d s is %s',
    (seconds, words) => expect(lengthWords(seconds)).toBe(words),
  );
  it.each([[-3, '0:00'], [7, '0:07'], [59.9, '0:59'], [60, '1:00'], [750, '12:30'], [3725, '1:02:05']])('%d s on a clock is %s', (seconds, words) =>
    expect(clock(seconds)).toBe(words),
  );
  it.each([
    [-5000, 'now'],
    [0, 'now'],
    [1, 'in 1 s'],
    [40_000, 'in 40 s'],
    [59_001, 'in 1 min 00 s'],
    [125_000, 'in 2 min 05 s'],
    [720_000, 'in 12 min'],
    [3_900_000, 'in 1 h 05 min'],
  ])('%d ms ahead is %s', (ahead, words) => expect(untilWords(now + ahead, now)).toBe(words));
});

describe('points in time', () => {
  it('name the day only when it is another one', () => {
    expect(pointWords(at(2026, 10, 12, 9, 12), now)).toBe('09:12');
    expect(pointWords(at(2026, 10, 11, 9, 12), now)).toBe('11 Nov 09:12');
    expect(pointWords(at(2025, 10, 11, 0, 5), now)).toBe('11 Nov 2025 00:05');
    expect(rideTime(at(2026, 10, 12, 9, 12), now)).toBe('Today 09:12');
  });

  it('name plan days', () => {
    expect(planDay('2026-11-13', '2026-11-12')).toBe('Tomorrow');
    expect(planDay('2026-11-14', '2026-11-12')).toBe('Sat 14 Nov');
    expect(planDay('2027-01-01', '2026-12-31')).toBe('Tomorrow');
    expect(planDay('whenever', '2026-11-12')).toBe('whenever');
    expect(longDay('2026-11-12')).toBe('Thursday 12 November');
    expect(localDay(at(2026, 0, 2, 23, 59))).toBe('2026-01-02');
  });
});

it('numbers carry their units', () => {
  expect([watts(null), watts(212.4), tss(62.5), intensityFactor(0.838)]).toEqual(['–', '212 W', '63 TSS', '0.84 IF']);
  expect([cadence({ low: 90, high: 90 }), cadence({ low: 85, high: 95 })]).toEqual(['90 rpm', '85–95 rpm']);
  expect([count(1, 'ride'), count(10_000, 'workout')]).toEqual(['1 ride', '10,000 workouts']);
});

describe('where a ride is', () => {
  it.each<[Delivery, string, string]>([
    [{ state: 'local_only' }, 'On this computer only', 'Recorded while nobody was signed in'],
    [{ state: 'sending' }, 'Sending now', ''],
    [{ state: 'delivered', at: at(2026, 10, 12, 9, 12) }, 'Delivered 12 Nov 09:12', ''],
    [{ state: 'parked', reason: 'No samples.' }, 'Needs you · kept on this computer', 'No samples.'],
    [
      { state: 'waiting', next_try: at(2026, 10, 12, 19, 14), attempts: 2, words: 'Waiting to upload · Freewheel cannot be reached' },
      'Waiting to upload · next try 19:14',
      'Freewheel cannot be reached · tried 2 times',
    ],
    [
      { state: 'waiting', next_try: null, attempts: 1, words: 'Waiting to upload · The service took too long to answer.' },
      'Waiting to upload',
      'The service took too long to answer · tried once',
    ],
    [{ state: 'waiting', next_try: null, attempts: 0, words: 'Waiting to upload · waits for the network' }, 'Waiting to upload', 'Waits for the network'],
    [{ state: 'waiting', next_try: null, attempts: 1, words: '' }, 'Waiting to upload', 'Tried once'],
  ])('%j', (delivery, head, detail) => expect(deliveryWords(delivery, now)).toEqual({ head, detail }));
});

describe('facts', () => {
  const data: DataFact = { waiting: 2, parked: 0, words: '2 rides waiting', last_success: at(2026, 10, 12, 9, 12), next_try: now + 40_000, busy: false, disk: null, delivered: 0 };
  const service = (state: ServiceFact['state'], words: string): ServiceFact => ({ state, words, cause: null, since: at(2026, 10, 12, 18, 2) });

  it('count down to the next try', () => {
    expect(dataWords(data, now)).toBe('2 rides waiting · next try in 40 s · last success 09:12');
    expect(dataWords(data, now + 40_000)).toContain('next try now');
    expect(dataWords({ ...data, busy: true }, now)).toBe('2 rides waiting · syncing now · last success 09:12');
    expect(dataWords({ ...data, next_try: null, last_success: null }, now)).toBe('2 rides waiting');
  });

  it('have one word each', () => {
    expect(dataState(data)).toBe('waiting');
    expect(dataState({ ...data, parked: 1 })).toBe('parked');
    expect(dataState({ ...data, waiting: 0 })).toBe('clear');
    expect(dataState({ ...data, busy: true })).toBe('busy');
  });

  it('do not say the service’s name twice, and say since when it is away', () => {
    expect(serviceWords(service('unreachable', 'Freewheel cannot be reached'), now)).toBe('cannot be reached since 18:02');
    expect(serviceWords(service('reachable', 'Freewheel is reachable'), now)).toBe('reachable');
    expect(serviceWords({ state: 'unknown', words: '', cause: null, since: null }, now)).toBe('not asked yet');
  });
});

describe('workouts', () => {
  it('tell segments with watts, cadence and length', () => {
    const segment = { start: 0, seconds: 180, cadence: { low: 90, high: 95 }, step: 0 };
    expect(plain(segmentWords({ ...segment, target: { kind: 'power', from: 0.85, to: 0.85 } }, 250))).toBe('3:00 at 213 W (85 %), 90–95 rpm');
    expect(plain(segmentWords({ ...segment, cadence: null, target: { kind: 'power', from: 0.5, to: 0.7 } }, 200))).toBe('3:00 from 100 W (50 %) to 140 W (70 %)');
    expect(segmentWords({ ...segment, target: { kind: 'max' } }, 250)).toBe('3:00 all out, 90–95 rpm');
    expect(segmentWords({ ...segment, cadence: null, target: { kind: 'free' } }, 250)).toBe('3:00 free, no target');
  });

  it('tell steps, and do without watts while no FTP is known', () => {
    const part = (seconds: number, power: number) => ({ seconds, from: power, to: power });
    expect(plain(stepWords({ kind: 'intervals', repeat: 4, on: part(180, 1.1), off: part(120, 0.5) }, 200))).toBe('4 × 3:00 at 220 W (110 %), then 2:00 at 100 W (50 %)');
    expect(plain(stepWords({ kind: 'steady', seconds: 600, power: 0.6 }, 0))).toBe('10:00 at 60 % of FTP');
  });
});
