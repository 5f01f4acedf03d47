// Points in time for people, in the computer's time zone. Times are Unix milliseconds, days `YYYY-MM-DD`.

const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const DAY_AND_YEAR = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
const WEEKDAY = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short' });
const LONG_DAY = new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long' });

/** `09:12` */
export const clockTime = (at: number): string => CLOCK.format(at);

/** `09:12` today, `12 Nov 09:12` this year, `12 Nov 2025 09:12` otherwise. */
export function pointWords(at: number, now: number): string {
  return localDay(at) === localDay(now) ? clockTime(at) : `${dayWords(at, now)} ${clockTime(at)}`;
}

/** `Today 09:12`, or as {@link pointWords}. */
export const rideTime = (at: number, now: number): string =>
  localDay(at) === localDay(now) ? `Today ${clockTime(at)}` : pointWords(at, now);

/** `12 Nov`, with the year when it is not this one. */
export function dayWords(at: number, now: number): string {
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return (sameYear ? DAY : DAY_AND_YEAR).format(at);
}

/** `Tomorrow`, or `Thu 12 Nov`. */
export function planDay(date: string, today: string): string {
  const day = fromDate(date);
  if (!day) return date;
  const next = fromDate(today);
  next?.setDate(next.getDate() + 1);
  return next && localDay(next.getTime()) === date ? 'Tomorrow' : WEEKDAY.format(day).replace(',', '');
}

/** `Thursday 12 November` */
export function longDay(date: string): string {
  const day = fromDate(date);
  return day ? LONG_DAY.format(day).replace(',', '') : date;
}

/** The day on the wall: `YYYY-MM-DD`. */
export function localDay(at: number): string {
  const day = new Date(at);
  return [day.getFullYear(), day.getMonth() + 1, day.getDate()].map((part) => String(part).padStart(2, '0')).join('-');
}

function fromDate(date: string): Date | null {
  const parts = /^(\d{4})-(\d\d)-(\d\d)$/.exec(date);
  return parts ? new Date(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3])) : null;
}
