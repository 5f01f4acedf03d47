// How hard a ride was: Borg's CR10 scale in the words of Foster et al., "A new approach to monitoring exercise training",
// J Strength Cond Res 15(1):109–115, 2001. Numbers between two words have none of their own.

const WORDS: Record<number, string> = {
  1: 'very easy',
  2: 'easy',
  3: 'moderate',
  4: 'somewhat hard',
  5: 'hard',
  7: 'very hard',
  10: 'maximal',
};

export const EFFORTS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

/** `7 · very hard` */
export function effortWords(effort: number): string {
  const words = WORDS[effort];
  return words ? `${effort} · ${words}` : String(effort);
}
