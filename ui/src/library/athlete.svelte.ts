// The athlete's FTP, which turns fractions into watts wherever a workout is shown.

import { today } from '../backend';

class Athlete {
  /** Watts; 0 until it is known. */
  ftp = $state(0);

  /** A workout can be shown without watts, so a failure is left to the screens that need the answer. */
  async learn(): Promise<void> {
    this.ftp = await today().then(
      (view) => view.ftp_watts,
      () => this.ftp,
    );
  }
}

export const athlete = new Athlete();
