// What the athlete looks for, as the screen holds it, and the question that it becomes.

import type { LibraryQuery, LibrarySort, Zone } from '../backend';

export type Band = { label: string; min: number | null; max: number | null };

/** Minutes; the upper bound is exclusive. */
export const LENGTHS: readonly Band[] = [
  { label: 'Any length', min: null, max: null },
  { label: 'Under 30 min', min: null, max: 30 },
  { label: '30 to 60 min', min: 30, max: 60 },
  { label: '60 to 90 min', min: 60, max: 90 },
  { label: '90 min and more', min: 90, max: null },
];

/** TSS; the upper bound is exclusive. */
export const LOADS: readonly Band[] = [
  { label: 'Any TSS', min: null, max: null },
  { label: 'Under 40 TSS', min: null, max: 40 },
  { label: '40 to 70 TSS', min: 40, max: 70 },
  { label: '70 to 100 TSS', min: 70, max: 100 },
  { label: '100 TSS and more', min: 100, max: null },
];

export const SORTS: readonly { value: LibrarySort; label: string }[] = [
  { value: 'name', label: 'By name' },
  { value: 'duration', label: 'Shortest first' },
  { value: 'tss', label: 'Lightest first' },
];

export type Filter = {
  text: string;
  /** Place in {@link LENGTHS}. */
  length: number;
  /** Place in {@link LOADS}. */
  load: number;
  zone: Zone | null;
  own: boolean;
  sort: LibrarySort;
};

export const NO_FILTER: Filter = { text: '', length: 0, load: 0, zone: null, own: false, sort: 'name' };

/** Whether anything is left out of the list. */
export const narrows = (filter: Filter): boolean =>
  filter.text.trim() !== '' || filter.length > 0 || filter.load > 0 || filter.zone !== null || filter.own;

export function queryOf(filter: Filter, offset: number, limit: number): LibraryQuery {
  const length = LENGTHS[filter.length];
  const load = LOADS[filter.load];
  const seconds = (minutes: number | null | undefined) => (minutes == null ? null : minutes * 60);
  return {
    text: filter.text.trim(),
    min_seconds: seconds(length?.min),
    max_seconds: seconds(length?.max),
    zone: filter.zone,
    min_tss: load?.min ?? null,
    max_tss: load?.max ?? null,
    own: filter.own,
    sort: filter.sort,
    offset,
    limit,
  };
}
