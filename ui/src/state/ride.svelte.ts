// The ride in progress, as the shell last told it.

import {
  onRideFrame,
  rideCurrent,
  rideFinish,
  rideFinishUnfinished,
  rideResume,
  rideStart,
  type RideFrame,
  type RideSaved,
  type RideStart,
  type RideState,
} from '../backend';
import { route } from './route.svelte';

class Ride {
  start = $state.raw<RideStart | null>(null);
  frame = $state.raw<RideFrame | null>(null);
  saved = $state.raw<RideSaved | null>(null);
  /** True while the shell is asked to open a ride, so that a second press opens no second one. */
  opening = $state(false);

  /** A frame may arrive before the answer that names its ride. */
  #latest: RideFrame | null = null;

  state: RideState = $derived(this.saved ? 'saved' : (this.frame?.state ?? 'ready'));

  /** Follows the frames and goes back to a ride that is already in progress. */
  async follow(): Promise<void> {
    await onRideFrame((frame) => {
      this.#latest = frame;
      if (frame.id === this.start?.id) this.frame = frame;
    });
    const current = await rideCurrent();
    if (current) this.#enter(current);
    else if (route.place.screen === 'ride') route.go('today');
  }

  begin(workoutId: string | null, planItemId: string | null): Promise<void> {
    return this.#open(() => rideStart(workoutId, planItemId));
  }

  resume(id: string): Promise<void> {
    return this.#open(() => rideResume(id));
  }

  async finish(): Promise<void> {
    this.saved = await rideFinish();
  }

  finishUnfinished(id: string): Promise<RideSaved> {
    return rideFinishUnfinished(id);
  }

  leave(screen: 'today' | 'history'): void {
    this.#latest = null;
    [this.start, this.frame, this.saved] = [null, null, null];
    route.go(screen);
  }

  async #open(ask: () => Promise<RideStart>): Promise<void> {
    if (this.opening) return;
    this.opening = true;
    try {
      this.#enter(await ask());
    } finally {
      this.opening = false;
    }
  }

  #enter(start: RideStart): void {
    const frame = this.#latest?.id === start.id ? this.#latest : null;
    [this.start, this.frame, this.saved] = [start, frame, null];
    route.go('ride');
  }
}

export const ride = new Ride();
