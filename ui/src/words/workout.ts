// A workout in words.

import type { Cadence, Effort, IntervalPart, Segment } from '../backend';
import { clock } from './duration';
import { cadence as rpm, NBSP, percent } from './numbers';

/** `212 W (85 %)`, or the fraction alone while no FTP is known. */
export const power = (fraction: number, ftp: number): string =>
  ftp > 0 ? `${Math.round(fraction * ftp)}${NBSP}W (${percent(fraction)})` : `${percent(fraction)} of FTP`;

/** What a segment asks for: `3:00 at 212 W (85 %), 90–95 rpm`. */
export function segmentWords(segment: Segment, ftp: number): string {
  const { target } = segment;
  const length = clock(segment.seconds);
  switch (target.kind) {
    case 'power':
      return slope(length, target.from, target.to, segment.cadence, ftp);
    case 'free':
      return withCadence(`${length} free, no target`, segment.cadence);
    case 'max':
      return withCadence(`${length} all out`, segment.cadence);
  }
}

/** A step as its author wrote it. */
export function stepWords(step: Effort, ftp: number): string {
  switch (step.kind) {
    case 'steady':
      return slope(clock(step.seconds), step.power, step.power, step.cadence, ftp);
    case 'ramp':
      return slope(clock(step.seconds), step.from, step.to, step.cadence, ftp);
    case 'intervals':
      return `${step.repeat} × ${part(step.on, ftp)}, then ${part(step.off, ftp)}`;
    case 'free_ride':
      return withCadence(`${clock(step.seconds)} free, no target`, step.cadence);
    case 'max_effort':
      return withCadence(`${clock(step.seconds)} all out`, step.cadence);
  }
}

const part = (each: IntervalPart, ftp: number): string =>
  slope(clock(each.seconds), each.from, each.to, each.cadence, ftp);

function slope(length: string, from: number, to: number, cadence: Cadence | null | undefined, ftp: number): string {
  const hold = from === to ? `at ${power(from, ftp)}` : `from ${power(from, ftp)} to ${power(to, ftp)}`;
  return withCadence(`${length} ${hold}`, cadence);
}

const withCadence = (words: string, cadence: Cadence | null | undefined): string =>
  cadence ? `${words}, ${rpm(cadence)}` : words;
