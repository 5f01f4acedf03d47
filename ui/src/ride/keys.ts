// What the keys mean during a ride.

import type { RideCommand, RideState } from '../backend';

export type Press = { key: string; shiftKey: boolean; ctrlKey: boolean; altKey: boolean; metaKey: boolean };
export type Meaning = RideCommand | { kind: 'finish' };

/** Null when the key means nothing here, or belongs to the system. */
export function meaningOf(press: Press, state: RideState): Meaning | null {
  if (press.ctrlKey || press.altKey || press.metaKey || state === 'saved') return null;
  const step = press.shiftKey ? 5 : 1;
  switch (press.key) {
    case ' ':
      return { kind: 'toggle' };
    case 'ArrowUp':
      return { kind: 'intensity', percent: step };
    case 'ArrowDown':
      return { kind: 'intensity', percent: -step };
    case 'ArrowRight':
      return { kind: 'skip' };
    case 'ArrowLeft':
      return { kind: 'back' };
    case 'Escape':
    case 'f':
    case 'F':
      return { kind: 'finish' };
    default:
      return null;
  }
}
