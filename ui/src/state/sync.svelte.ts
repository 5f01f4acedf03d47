// The one observable of the sync core, as it was last sent.

import { onSyncView, syncView, type SyncView } from '../backend';

class Sync {
  /** Null only until the shell has answered for the first time. */
  view = $state.raw<SyncView | null>(null);

  async follow(): Promise<void> {
    await onSyncView((view) => (this.view = view));
    const first = await syncView();
    // An event that came meanwhile is newer than this answer.
    this.view ??= first;
  }
}

export const sync = new Sync();
