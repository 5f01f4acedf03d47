// Made-up workouts, the same on every run.

import type { Cadence, Effort, Segment, Step, Target, WorkoutCard, WorkoutDetail } from '../src/backend';
import { piecesOf } from '../src/profile/geometry';
import { ZONES, zoneOf } from '../src/profile/zones';

type Plan = { name: string; author: string | null; own?: boolean; description: string; steps: Step[] };

const steady = (minutes: number, power: number, cadence?: Cadence): Step => ({
  kind: 'steady',
  seconds: minutes * 60,
  power,
  ...(cadence ? { cadence } : {}),
});
const ramp = (minutes: number, from: number, to: number): Step => ({ kind: 'ramp', seconds: minutes * 60, from, to });
const times = (repeat: number, on: [number, number], off: [number, number], cadence?: Cadence): Step => ({
  kind: 'intervals',
  repeat,
  on: { seconds: on[0], from: on[1], to: on[1], ...(cadence ? { cadence } : {}) },
  off: { seconds: off[0], from: off[1], to: off[1] },
});
const brisk: Cadence = { low: 90, high: 100 };

const PLANS: Plan[] = [
  {
    name: 'Kestrel Climb 4 × 8',
    author: 'Freewheel',
    description:
      'Four long climbs at threshold with easy valleys between them. The first should feel almost too easy; the last should ask for attention but never for heroics.\n\nHold your shoulders still and let the legs do the talking.',
    steps: [
      { ...ramp(10, 0.4, 0.75), cues: [{ at: 5, seconds: 10, text: 'Easy start: let the legs come to you' }] },
      times(3, [30, 1.1], [30, 0.5], brisk),
      { ...times(4, [480, 0.98], [180, 0.5], { low: 85, high: 95 }), cues: [{ at: 10, seconds: 10, text: 'Settle into a rhythm you could hold for an hour' }] },
      ramp(8, 0.6, 0.4),
    ],
  },
  { name: 'Harbour Spin', author: 'Freewheel', description: 'Half an hour of nothing hard.', steps: [ramp(5, 0.4, 0.5), steady(20, 0.5, brisk), ramp(5, 0.5, 0.4)] },
  { name: 'Long Valley', author: 'Freewheel', description: 'Steady endurance with two lifts.', steps: [ramp(10, 0.45, 0.65), steady(40, 0.66), steady(10, 0.8), steady(40, 0.68), ramp(10, 0.6, 0.4)] },
  { name: 'Quarry Steps', author: 'Freewheel', description: 'Tempo stairs, up and down again.', steps: [ramp(8, 0.4, 0.7), steady(8, 0.76), steady(8, 0.82), steady(8, 0.88), steady(8, 0.82), steady(8, 0.76), ramp(7, 0.6, 0.4)] },
  { name: 'Five by Five', author: 'Freewheel', description: 'VO₂ max in five honest pieces.', steps: [ramp(12, 0.4, 0.85), times(5, [300, 1.13], [240, 0.5], brisk), ramp(8, 0.55, 0.35)] },
  { name: 'Minute Hammers', author: 'Freewheel', description: 'Ten one-minute efforts.', steps: [ramp(12, 0.4, 0.8), times(10, [60, 1.32], [120, 0.45]), ramp(8, 0.55, 0.4)] },
  { name: 'Sprint Gates', author: 'Freewheel', description: 'Eight gates, all out, with long rests.', steps: [ramp(15, 0.4, 0.8), times(8, [15, 1.9], [225, 0.45]), ramp(10, 0.55, 0.4)] },
  { name: 'Twenty Minute Test', author: 'Freewheel', description: 'An all-out test with a free warm-up.', steps: [{ kind: 'free_ride', seconds: 900 }, times(3, [60, 1.0], [60, 0.5]), { kind: 'max_effort', seconds: 1200 }, { kind: 'free_ride', seconds: 600 }] },
  { name: 'Tuesday club session as coach Margarethe wrote it down on the back of a very long envelope', author: 'Margarethe von Hohenlinden-Oberkirch', own: true, description: 'Imported.', steps: [ramp(10, 0.45, 0.8), times(6, [120, 1.22], [120, 0.5]), times(2, [600, 0.92], [300, 0.55]), ramp(10, 0.6, 0.4)] },
];

function unroll(steps: Step[]): Segment[] {
  const segments: Segment[] = [];
  let start = 0;
  const add = (seconds: number, target: Target, cadence: Cadence | undefined, step: number) => {
    segments.push({ start, seconds, target, cadence: cadence ?? null, step });
    start += seconds;
  };
  steps.forEach((effort: Effort, step) => {
    switch (effort.kind) {
      case 'steady':
        return add(effort.seconds, { kind: 'power', from: effort.power, to: effort.power }, effort.cadence, step);
      case 'ramp':
        return add(effort.seconds, { kind: 'power', from: effort.from, to: effort.to }, effort.cadence, step);
      case 'free_ride':
        return add(effort.seconds, { kind: 'free' }, effort.cadence, step);
      case 'max_effort':
        return add(effort.seconds, { kind: 'max' }, effort.cadence, step);
      case 'intervals':
        for (let turn = 0; turn < effort.repeat; turn += 1) {
          add(effort.on.seconds, { kind: 'power', from: effort.on.from, to: effort.on.to }, effort.on.cadence, step);
          add(effort.off.seconds, { kind: 'power', from: effort.off.from, to: effort.off.to }, effort.off.cadence, step);
        }
    }
  });
  return segments;
}

function detail(plan: Plan, id: string): WorkoutDetail {
  const segments = unroll(plan.steps);
  const seconds = segments.reduce((sum, segment) => sum + segment.seconds, 0);
  const pieces = segments.flatMap(piecesOf);
  const mean = pieces.reduce((sum, p) => sum + (p.end - p.start) * ((p.from + p.to) / 2) ** 4, 0) / seconds;
  const intensity = mean ** 0.25;
  const zone_seconds = ZONES.map(({ id: zone }) =>
    Math.round(pieces.filter((p) => p.zone === zone).reduce((sum, p) => sum + p.end - p.start, 0)),
  );
  const hardest = Math.max(0.5, ...pieces.filter((p) => p.end - p.start >= 10).map((p) => Math.max(p.from, p.to)));
  return {
    card: {
      id,
      name: plan.name,
      author: plan.author,
      seconds,
      tss: (seconds / 36) * intensity ** 2,
      intensity_factor: intensity,
      zone: zoneOf(hardest).id,
      own: plan.own ?? false,
      segments,
    },
    workout: { name: plan.name, description: plan.description, tags: [], steps: plan.steps },
    zone_seconds,
    rideable: true,
  };
}

/** As many workouts as asked for, the made-up ones over and over. */
export function makeWorkouts(howMany: number): WorkoutDetail[] {
  return Array.from({ length: howMany }, (_, index) => {
    const plan = PLANS[index % PLANS.length] as Plan;
    const round = Math.floor(index / PLANS.length);
    return detail(round === 0 ? plan : { ...plan, name: `${plan.name} ${round + 1}` }, `w${index}`);
  });
}

export const byName = (a: WorkoutCard, b: WorkoutCard): number => a.name.localeCompare(b.name);
