// Importing the athlete's own files: asked for on several screens, told in one place.

import { importWorkouts, type ImportOutcome } from '../backend';
import { attempt } from './notice.svelte';

class Imports {
  /** What became of each file of the last import, until it is read. */
  outcomes = $state.raw<ImportOutcome[]>([]);
  busy = $state(false);

  async ask(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    await attempt(async () => (this.outcomes = await importWorkouts()));
    this.busy = false;
  }

  clear(): void {
    this.outcomes = [];
  }
}

export const imports = new Imports();
