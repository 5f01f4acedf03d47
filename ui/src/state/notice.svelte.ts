// One line that says how an action ended.

import { userError } from '../backend';

export type Notice = { kind: 'done' | 'failed'; text: string };

class Notices {
  current = $state.raw<Notice | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;

  say(text: string): void {
    this.#show({ kind: 'done', text });
    this.#timer = setTimeout(() => this.clear(), 8000);
  }

  /** Failures stay until they are read. */
  fail(thrown: unknown): void {
    this.#show({ kind: 'failed', text: userError(thrown).message });
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.current = null;
  }

  #show(notice: Notice): void {
    this.clear();
    this.current = notice;
  }
}

export const notices = new Notices();

/** Runs an action and says so when it fails; true when it worked. */
export async function attempt(action: () => Promise<unknown>): Promise<boolean> {
  try {
    await action();
    return true;
  } catch (thrown) {
    notices.fail(thrown);
    return false;
  }
}
