// What the screens say and show about the session, beside the words that the session brings itself.

import type { About, SessionView } from '../backend';
import { count } from './numbers';

/** Nobody is signed in: what needs an account is not there. Also while the first sign-in is under way. */
export const nobody = (session: SessionView): boolean => session.account === null;

/** Whether the sign-in form stands on the account page: also where something else should help, but may not. */
export const offersSignIn = (session: SessionView): boolean =>
  session.action === 'sign_in' || ['grace_expired', 'vault_unavailable'].includes(session.state);

/** The sign-in lives until the window is closed, and uploads until the access token is used up: nothing could be written. */
export const memoryOnly = (session: SessionView): boolean => session.vault === 'memory';

/** Whether the athlete should notice it now. Being offline is nothing to notice until the grace is nearly used up. */
export function wantsAttention(session: SessionView): boolean {
  if (['needs_sign_in', 'grace_expired', 'blocked'].includes(session.state) || memoryOnly(session)) return true;
  return daysLeft(session) !== '';
}

/** `3 days left`, `last day`; empty while it is no matter, or over. A session that is well has nothing to count. */
export function daysLeft(session: SessionView): string {
  if (session.days_left === null || !session.library_open || session.headline === '') return '';
  return session.days_left <= 1 ? 'last day' : `${count(session.days_left, 'day')} left`;
}

/** What has to happen before the days are over, after `before`. */
export const lockedUnless = ({ state }: SessionView): string =>
  state === 'needs_sign_in' ? 'you must sign in again' : 'Freewheel must connect once';

/** The second line; a sign-in on another device says where its code goes. */
export const detailWords = ({ device, detail }: SessionView): string =>
  device ? `Enter the code ${device.user_code} at ${device.verification_uri}.` : detail;

/** Why a licensed workout cannot be ridden now, and what stays open. */
export function lockedWords(session: SessionView): string {
  if (session.state === 'signing_in') return 'Locked until you are signed in, not deleted. Your own files stay open.';
  if (nobody(session)) return 'Locked until you sign in, not deleted. Your own files stay open.';
  return `${session.headline.replace(/\.?$/, '.')} ${session.detail} Nothing is deleted.`.replace(/\s+/g, ' ');
}

/** Where the sign-in is kept, and how well. */
export function keptWords(session: SessionView, program: Pick<About, 'key_file'>): string {
  switch (session.vault) {
    case 'keyring':
      return 'In this computer’s keyring';
    case 'key_file':
      return `Weaker: with a key file, because no keyring could keep it. Anyone who can read your files can read it: ${program.key_file}`;
    case 'memory':
      return 'In memory only: it is lost when you close Freewheel, and uploads may pause until it can be saved';
    default:
      return session.state === 'vault_unavailable' ? `Cannot be read now: ${session.headline}` : 'Not read since Freewheel was opened';
  }
}
