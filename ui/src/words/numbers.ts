// Numbers with their units. An unknown number is an en dash, so that columns keep their width.

import type { Cadence } from '../backend';

export const DASH = '–';

/** Keeps a number and its unit on one line. */
export const NBSP = '\u00a0';

export const watts = (value: number | null): string => (value === null ? DASH : `${Math.round(value)} W`);
export const percent = (fraction: number): string => `${Math.round(fraction * 100)}${NBSP}%`;
export const tss = (value: number | null): string => (value === null ? DASH : `${Math.round(value)} TSS`);
export const intensityFactor = (value: number | null): string => (value === null ? DASH : `${value.toFixed(2)} IF`);
export const whole = (value: number | null): string => (value === null ? DASH : String(Math.round(value)));

/** `90 rpm`, `85–95 rpm` */
export const cadence = ({ low, high }: Cadence): string => (low === high ? `${low} rpm` : `${low}–${high} rpm`);

/** `1 ride`, `2 rides`, `10,000 workouts` */
export function count(value: number, one: string, many = `${one}s`): string {
  return `${value.toLocaleString('en-GB')} ${value === 1 ? one : many}`;
}
