// Where a workout's profile lies in a box of pixels: x is time, y is power as a fraction of FTP. Pure.

import type { Segment, Zone } from '../backend';
import { ZONES, zoneOf } from './zones';

/** The box that a profile is drawn in. */
export type Box = {
  width: number;
  height: number;
  /** Length of the time axis in seconds. */
  seconds: number;
  /** Fraction of FTP at the top edge. */
  ceiling: number;
};

/** A stretch of even slope inside one zone. */
export type Piece = { start: number; end: number; from: number; to: number; zone: Zone };

/** Height, as a fraction of FTP, at which a stretch without a target is drawn. */
export const FREE_HEIGHT = 0.5;

export const lengthOf = (segments: readonly Segment[]): number => {
  const last = segments.at(-1);
  return last ? last.start + last.seconds : 0;
};

/** Fraction of FTP that the chart must reach: never less than `least`, so that easy workouts look easy. */
export function ceilingOf(segments: readonly Segment[], least: number): number {
  let highest = 0;
  for (const { target } of segments) {
    if (target.kind === 'power') highest = Math.max(highest, target.from, target.to);
  }
  return Math.max(least, highest * 1.04);
}

export const xOf = (second: number, box: Box): number =>
  box.seconds > 0 ? (second / box.seconds) * box.width : 0;

export const yOf = (power: number, box: Box): number =>
  box.height * (1 - Math.min(Math.max(power, 0), box.ceiling) / box.ceiling);

/** A segment cut where its slope crosses a zone bound; empty without a power target. */
export function piecesOf(segment: Segment): Piece[] {
  if (segment.target.kind !== 'power') return [];
  const { from, to } = segment.target;
  const end = segment.start + segment.seconds;
  if (from === to) return [{ start: segment.start, end, from, to, zone: zoneOf(from).id }];
  const inside = ZONES.map((zone) => zone.low)
    .filter((low) => low > Math.min(from, to) && low < Math.max(from, to))
    .sort((a, b) => (to > from ? a - b : b - a));
  const corners = [from, ...inside, to];
  const at = (power: number) => segment.start + ((power - from) / (to - from)) * segment.seconds;
  return corners.slice(1).map((power, index) => {
    const before = corners[index] as number;
    return { start: at(before), end: at(power), from: before, to: power, zone: zoneOf((before + power) / 2).id };
  });
}

/** One path per zone that occurs, the easiest first. */
export function zonePaths(segments: readonly Segment[], box: Box): { zone: Zone; d: string }[] {
  const paths = new Map<Zone, string>();
  for (const segment of segments) {
    for (const piece of piecesOf(segment)) {
      paths.set(piece.zone, (paths.get(piece.zone) ?? '') + bar(piece.start, piece.end, piece.from, piece.to, box));
    }
  }
  return ZONES.flatMap(({ id }) => {
    const d = paths.get(id);
    return d ? [{ zone: id, d }] : [];
  });
}

/** All stretches without a target, or all that are ridden all out, as one path. */
export function openPath(segments: readonly Segment[], kind: 'free' | 'max', box: Box): string {
  const height = kind === 'free' ? FREE_HEIGHT : box.ceiling;
  return segments
    .filter((segment) => segment.target.kind === kind)
    .map((segment) => bar(segment.start, segment.start + segment.seconds, height, height, box))
    .join('');
}

/** The upper edge of the whole profile. */
export function outlinePath(segments: readonly Segment[], box: Box): string {
  const points = segments.flatMap((segment) => {
    const [from, to] = heights(segment, box);
    const start = `${px(xOf(segment.start, box))} ${px(yOf(from, box))}`;
    const end = `${px(xOf(segment.start + segment.seconds, box))} ${px(yOf(to, box))}`;
    return [start, end];
  });
  return points.length > 0 ? `M${points.join('L')}` : '';
}

/** The segment at a second; the last one holds the end; -1 without segments. */
export function segmentAt(segments: readonly Segment[], second: number): number {
  let low = 0;
  let high = segments.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((segments[middle] as Segment).start <= second) low = middle;
    else high = middle - 1;
  }
  return high < 0 ? -1 : low;
}

/** Whole minutes to label on the time axis, in seconds, at least `gap` pixels apart. */
export function timeTicks(seconds: number, width: number, gap = 64): number[] {
  const minutes = [1, 2, 5, 10, 15, 20, 30, 60, 120];
  const step = minutes.find((each) => (each * 60 * width) / Math.max(seconds, 1) >= gap) ?? 240;
  const ticks: number[] = [];
  for (let at = 0; at <= seconds; at += step * 60) ticks.push(at);
  return ticks;
}

function heights({ target }: Segment, box: Box): [number, number] {
  switch (target.kind) {
    case 'power':
      return [target.from, target.to];
    case 'free':
      return [FREE_HEIGHT, FREE_HEIGHT];
    case 'max':
      return [box.ceiling, box.ceiling];
  }
}

function bar(start: number, end: number, from: number, to: number, box: Box): string {
  const left = px(xOf(start, box));
  const right = px(xOf(end, box));
  const floor = px(box.height);
  return `M${left} ${floor}L${left} ${px(yOf(from, box))}L${right} ${px(yOf(to, box))}L${right} ${floor}Z`;
}

const px = (value: number): number => Math.round(value * 100) / 100;
