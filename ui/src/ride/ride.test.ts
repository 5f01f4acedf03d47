import { describe, expect, it } from 'vitest';
import { meaningOf, type Press } from './keys';
import { aimOf } from './target';

const press = (key: string, held: Partial<Press> = {}): Press => ({
  key,
  shiftKey: false,
  ctrlKey: false,
  altKey: false,
  metaKey: false,
  ...held,
});

describe('keys', () => {
  it.each([
    [press(' '), { kind: 'toggle' }],
    [press('ArrowUp'), { kind: 'intensity', percent: 1 }],
    [press('ArrowDown'), { kind: 'intensity', percent: -1 }],
    [press('ArrowUp', { shiftKey: true }), { kind: 'intensity', percent: 5 }],
    [press('ArrowDown', { shiftKey: true }), { kind: 'intensity', percent: -5 }],
    [press('ArrowRight'), { kind: 'skip' }],
    [press('ArrowLeft'), { kind: 'back' }],
    [press('Escape'), { kind: 'finish' }],
    [press('f'), { kind: 'finish' }],
    [press('q'), null],
    [press('f', { ctrlKey: true }), null],
    [press('ArrowLeft', { altKey: true }), null],
  ])('%j', (key, meaning) => expect(meaningOf(key, 'riding')).toEqual(meaning));

  it('mean nothing once the ride is saved', () => expect(meaningOf(press(' '), 'saved')).toBeNull());
});

describe('aim', () => {
  it.each([
    [250, 250, 'on', 'On target'],
    [240, 250, 'on', 'On target'],
    [105, 100, 'on', 'On target'],
    [106, 100, 'over', '6 W over'],
    [262, 250, 'over', '12 W over'],
    [200, 250, 'under', '50 W under'],
    [0, 250, 'under', '250 W under'],
    [null, 250, 'none', 'No power yet'],
    [180, null, 'none', 'No target'],
  ])('%s W with a target of %s W is %s: %s', (power, target, state, words) =>
    expect(aimOf(power, target)).toMatchObject({ state, words }),
  );

  it('leans to the side of the error and stays on the scale', () => {
    expect(aimOf(250, 250).lean).toBe(0);
    expect(aimOf(999, 250).lean).toBe(1);
    expect(aimOf(0, 250).lean).toBe(-1);
  });
});
