// Lengths of time for people. All take seconds.

/** `45 s`, `58 min`, `1 h 05 min`: how long something takes. */
export function lengthWords(seconds: number): string {
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
}

/** `0:07`, `12:30`, `1:02:05`: a clock that runs. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const rest = `${pad(Math.floor(whole / 60) % 60)}:${pad(whole % 60)}`;
  return whole >= 3600 ? `${Math.floor(whole / 3600)}:${rest}` : rest.replace(/^0/, '');
}

/** `in 40 s`, `in 2 min 05 s`, `in 12 min`, `in 1 h 05 min`, or `now` once it is due. Takes milliseconds. */
export function untilWords(due: number, now: number): string {
  const seconds = Math.ceil((due - now) / 1000);
  if (seconds <= 0) return 'now';
  if (seconds < 60) return `in ${seconds} s`;
  if (seconds < 600) return `in ${Math.floor(seconds / 60)} min ${pad(seconds % 60)} s`;
  return `in ${lengthWords(seconds)}`;
}

const pad = (value: number): string => String(value).padStart(2, '0');
