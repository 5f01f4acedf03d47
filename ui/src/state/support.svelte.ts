// The report that support asks for: shown first, so that the athlete sees what would be sent.

import { supportReport } from '../backend';
import { attempt } from './notice.svelte';

class Support {
  report = $state.raw<string | null>(null);
  busy = $state(false);

  async ask(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    await attempt(async () => (this.report = await supportReport()));
    this.busy = false;
  }

  close(): void {
    this.report = null;
  }
}

export const support = new Support();
