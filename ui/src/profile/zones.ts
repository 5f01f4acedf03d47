// The seven power zones: bounds as fractions of FTP, half-open; colours live in tokens.css as --zone-1 … --zone-7.

import type { Zone } from '../backend';

export type ZoneInfo = {
  id: Zone;
  number: number;
  name: string;
  /** Lower bound, inclusive. */
  low: number;
  /** Upper bound, exclusive. */
  high: number;
};

export const ZONES: readonly ZoneInfo[] = [
  { id: 'recovery', number: 1, name: 'Recovery', low: 0, high: 0.55 },
  { id: 'endurance', number: 2, name: 'Endurance', low: 0.55, high: 0.75 },
  { id: 'tempo', number: 3, name: 'Tempo', low: 0.75, high: 0.9 },
  { id: 'threshold', number: 4, name: 'Threshold', low: 0.9, high: 1.05 },
  { id: 'vo2_max', number: 5, name: 'VO₂ max', low: 1.05, high: 1.2 },
  { id: 'anaerobic', number: 6, name: 'Anaerobic', low: 1.2, high: 1.5 },
  { id: 'neuromuscular', number: 7, name: 'Neuromuscular', low: 1.5, high: Infinity },
];

const FIRST = ZONES[0] as ZoneInfo;

export const zoneInfo = (id: Zone): ZoneInfo => ZONES.find((zone) => zone.id === id) ?? FIRST;

/** The zone of a power given as a fraction of FTP; negative and NaN count as recovery. */
export const zoneOf = (power: number): ZoneInfo => ZONES.findLast((zone) => power >= zone.low) ?? FIRST;

export const zoneColour = (id: Zone): string => `var(--zone-${zoneInfo(id).number})`;
