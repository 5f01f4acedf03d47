// An answer from the backend that a screen shows: the latest question wins, and the old answer stands until then.

import { userError, type UserError } from '../backend';

export class Asked<T> {
  value = $state.raw<T | null>(null);
  error = $state.raw<UserError | null>(null);
  #turn = 0;

  async ask(question: () => Promise<T>): Promise<void> {
    const turn = ++this.#turn;
    try {
      const value = await question();
      if (turn === this.#turn) [this.value, this.error] = [value, null];
    } catch (thrown) {
      if (turn === this.#turn) this.error = userError(thrown);
    }
  }

  forget(): void {
    this.#turn += 1;
    [this.value, this.error] = [null, null];
  }
}
