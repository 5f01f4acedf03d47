// The one observable of the sync core, as it was last sent.

import { onSyncView, syncView, userError, type SyncView, type UserError } from '../backend';

class Sync {
  /** Null only until the shell has answered for the first time. */
  view = $state.raw<SyncView | null>(null);

  /** Why there is no view at all: the profile could not be opened. */
  failure = $state.raw<UserError | null>(null);

  async follow(): Promise<void> {
    try {
      await onSyncView((view) => (this.view = view));
      const first = await syncView();
      // An event that came meanwhile is newer than this answer.
      this.view ??= first;
    } catch (thrown) {
      this.failure = userError(thrown);
    }
  }
}

export const sync = new Sync();
