import { describe, expect, it } from 'vitest';
import type { Segment, Target } from '../backend';
import { ceilingOf, lengthOf, openPath, outlinePath, piecesOf, segmentAt, timeTicks, xOf, yOf, zonePaths, type Box } from './geometry';

const segment = (start: number, seconds: number, target: Target): Segment => ({ start, seconds, target, cadence: null, step: 0 });
const power = (start: number, seconds: number, from: number, to = from) => segment(start, seconds, { kind: 'power', from, to });

const box: Box = { width: 100, height: 150, seconds: 1000, ceiling: 1.5 };

describe('the box', () => {
  it('spans the whole workout and puts FTP at its share of the height', () => {
    expect([xOf(0, box), xOf(500, box), xOf(1000, box)]).toEqual([0, 50, 100]);
    expect(yOf(0, box)).toBe(150);
    expect(yOf(1, box)).toBeCloseTo(50);
    expect(yOf(1.5, box)).toBe(0);
  });

  it('keeps a power beyond the ceiling inside', () => expect(yOf(3, box)).toBe(0));

  it('puts everything at the left while nothing has a length', () => expect(xOf(10, { ...box, seconds: 0 })).toBe(0));

  it('grows for hard workouts and never shrinks for easy ones', () => {
    expect(ceilingOf([power(0, 60, 0.5)], 1.2)).toBe(1.2);
    expect(ceilingOf([power(0, 60, 0.5, 2)], 1.2)).toBeCloseTo(2.08);
  });

  it('ends where the last segment ends', () => {
    expect(lengthOf([])).toBe(0);
    expect(lengthOf([power(0, 60, 1), power(60, 30, 1)])).toBe(90);
  });
});

describe('pieces', () => {
  it('leave a steady segment whole', () => {
    expect(piecesOf(power(10, 20, 0.9))).toEqual([{ start: 10, end: 30, from: 0.9, to: 0.9, zone: 'threshold' }]);
  });

  it('cut a ramp where it crosses a zone bound, upwards and downwards', () => {
    expect(piecesOf(power(0, 100, 0.45, 0.65)).map((p) => [p.zone, Math.round(p.start), Math.round(p.end)])).toEqual([
      ['recovery', 0, 50],
      ['endurance', 50, 100],
    ]);
    expect(piecesOf(power(0, 100, 1.0, 0.5)).map((p) => p.zone)).toEqual(['threshold', 'tempo', 'endurance', 'recovery']);
  });

  it('do not make an empty piece of a ramp that starts or ends on a bound', () => {
    expect(piecesOf(power(0, 100, 0.55, 0.75)).map((p) => p.zone)).toEqual(['endurance']);
    expect(piecesOf(power(0, 100, 0.75, 0.55)).map((p) => p.zone)).toEqual(['endurance']);
  });

  it('do not exist without a target', () => {
    expect(piecesOf(segment(0, 60, { kind: 'free' }))).toEqual([]);
  });
});

describe('paths', () => {
  const segments = [power(0, 500, 0.5), segment(500, 100, { kind: 'free' }), power(600, 200, 1), power(800, 200, 0.5)];

  it('make one path per zone, the easiest first, with all its bars', () => {
    expect(zonePaths(segments, box)).toEqual([
      { zone: 'recovery', d: 'M0 150L0 100L50 100L50 150ZM80 150L80 100L100 100L100 150Z' },
      { zone: 'threshold', d: 'M60 150L60 50L80 50L80 150Z' },
    ]);
  });

  it('draw stretches without a target apart', () => {
    expect(openPath(segments, 'free', box)).toBe('M50 150L50 100L60 100L60 150Z');
    expect(openPath(segments, 'max', box)).toBe('');
  });

  it('keep the true slope of a ramp in the outline', () => {
    expect(outlinePath([power(0, 1000, 0, 1.5)], box)).toBe('M0 150L100 0');
    expect(outlinePath([], box)).toBe('');
  });
});

it('finds the segment at any second', () => {
  const segments = [power(0, 60, 1), power(60, 60, 1), power(120, 60, 1)];
  expect([-5, 0, 59, 60, 119.9, 120, 999].map((second) => segmentAt(segments, second))).toEqual([0, 0, 0, 1, 1, 2, 2]);
  expect(segmentAt([], 0)).toBe(-1);
});

it('labels the minutes without crowding', () => {
  expect(timeTicks(3600, 1000)).toEqual([0, 300, 600, 900, 1200, 1500, 1800, 2100, 2400, 2700, 3000, 3300, 3600]);
  expect(timeTicks(3600, 300)).toEqual([0, 900, 1800, 2700, 3600]);
  expect(timeTicks(0, 300)).toEqual([0]);
});
