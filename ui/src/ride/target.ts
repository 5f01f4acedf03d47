// How the power that is ridden stands to the target: in words and in a shape, not in colour alone.

export type Aim = {
  state: 'on' | 'over' | 'under' | 'none';
  words: string;
  /** Where the needle stands between −1 (far under) and 1 (far over). */
  lean: number;
};

/** Within 4 % of the target, and never less than 5 W, counts as on target. */
export function aimOf(power: number | null, target: number | null): Aim {
  if (target === null) return { state: 'none', words: 'No target', lean: 0 };
  if (power === null) return { state: 'none', words: 'No power yet', lean: 0 };
  const off = power - target;
  const allowed = Math.max(5, target * 0.04);
  const lean = Math.min(Math.max(off / (allowed * 5), -1), 1);
  if (Math.abs(off) <= allowed) return { state: 'on', words: 'On target', lean };
  return off > 0
    ? { state: 'over', words: `${off} W over`, lean }
    : { state: 'under', words: `${-off} W under`, lean };
}
