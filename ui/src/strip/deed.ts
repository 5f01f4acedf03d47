// The one thing to do about the session, as a button.

import { cancelSignIn, syncNow, type SessionView } from '../backend';
import { attempt } from '../state/notice.svelte';
import { route } from '../state/route.svelte';
import { support } from '../state/support.svelte';

export type Deed = { label: string; go: () => void };

export function deedFor(session: SessionView): Deed | null {
  switch (session.action) {
    case 'sign_in':
      return { label: 'Sign in', go: () => route.go('account') };
    case 'cancel_sign_in':
      return { label: 'Cancel sign-in', go: () => void attempt(cancelSignIn) };
    case 'sync_now':
      return { label: 'Connect now', go: trying };
    case 'unlock_keyring':
      return { label: 'Unlock the keyring', go: trying };
    case 'check_clock':
      return { label: 'Try again', go: trying };
    case 'contact_support':
      return { label: 'Report for support…', go: () => void support.ask() };
    case null:
      // A keyring that is missing or fails, or a full disk: put right elsewhere, then tried again here.
      return session.state === 'vault_unavailable' ? { label: 'Try again', go: trying } : null;
  }
}

/** "Sync now" is the athlete's word: it asks the keyring and the service at once. */
const trying = () => void attempt(syncNow);
