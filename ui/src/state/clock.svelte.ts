// The wall clock of the screen: one tick a second, on the second.

class Clock {
  now = $state(Date.now());

  run(): void {
    this.now = Date.now();
    setTimeout(() => this.run(), 1000 - (this.now % 1000));
  }
}

export const wall = new Clock();
