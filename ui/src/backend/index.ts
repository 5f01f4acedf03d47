// The only place that talks to the shell.

import { invoke } from '@tauri-apps/api/core';
import { listen, type UnlistenFn } from '@tauri-apps/api/event';
import type {
  About,
  BackgroundView,
  ImportOutcome,
  LibraryPage,
  LibraryQuery,
  OutboxRow,
  RideCard,
  RideCommand,
  RideFrame,
  RideSaved,
  RideStart,
  SyncView,
  TodayView,
  UserError,
  WorkoutDetail,
} from './bindings';

export type * from './bindings';

export const about = () => invoke<About>('about');
export const today = () => invoke<TodayView>('today');
export const library = (query: LibraryQuery) => invoke<LibraryPage>('library', { query });
export const workout = (id: string) => invoke<WorkoutDetail>('workout', { id });
export const importWorkouts = () => invoke<ImportOutcome[]>('import_workouts');

export const history = () => invoke<RideCard[]>('history');
/** Resolves to the path that was written, or null when the athlete cancelled. */
export const exportRide = (id: string) => invoke<string | null>('export_ride', { id });
export const retryRide = (id: string) => invoke<null>('retry_ride', { id });

/** Everything that waits or was delivered, the oldest first. */
export const outbox = () => invoke<OutboxRow[]>('outbox');

export const syncView = () => invoke<SyncView>('sync_view');
export const syncNow = () => invoke<null>('sync_now');
export const signIn = (server: string) => invoke<null>('sign_in', { server });
/** Begins a sign-in on another device; the code then stands in the view. */
export const signInWithDevice = (server: string) => invoke<null>('sign_in_with_device', { server });
export const cancelSignIn = () => invoke<null>('cancel_sign_in');
export const openSignInPage = () => invoke<null>('open_sign_in_page');
/** What `freewheel doctor` prints, without secrets. */
export const supportReport = () => invoke<string>('support_report');
export const signOut = () => invoke<null>('sign_out');

export const background = () => invoke<BackgroundView>('background');
export const setStays = (stays: boolean) => invoke<null>('set_stays', { stays });
export const setAutostart = (on: boolean) => invoke<null>('set_autostart', { on });

export const rideStart = (workoutId: string | null, planItemId: string | null) =>
  invoke<RideStart>('ride_start', { workoutId, planItemId });
export const rideCurrent = () => invoke<RideStart | null>('ride_current');
export const rideCommand = (command: RideCommand) => invoke<null>('ride_command', { command });
export const rideFinish = () => invoke<RideSaved>('ride_finish');
export const rideResume = (id: string) => invoke<RideStart>('ride_resume', { id });
export const rideFinishUnfinished = (id: string) => invoke<RideSaved>('ride_finish_unfinished', { id });

export const onSyncView = (show: (view: SyncView) => void): Promise<UnlistenFn> =>
  listen<SyncView>('sync-view', (event) => show(event.payload));
export const onRideFrame = (show: (frame: RideFrame) => void): Promise<UnlistenFn> =>
  listen<RideFrame>('ride-frame', (event) => show(event.payload));

/** What a rejected call says to people, whatever was thrown. */
export function userError(thrown: unknown): UserError {
  if (typeof thrown === 'object' && thrown !== null && 'message' in thrown) {
    const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : 'unexpected';
    return { code, message: String(thrown.message) };
  }
  return { code: 'unexpected', message: String(thrown) };
}
