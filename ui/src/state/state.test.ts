import { describe, expect, it } from 'vitest';
import { Asked } from './asked.svelte';
import { hashOf, placeOf } from './route.svelte';

describe('places', () => {
  it.each([
    ['', { screen: 'today', id: null }],
    ['#/library', { screen: 'library', id: null }],
    ['#/library/over%2Funder', { screen: 'library', id: 'over/under' }],
    ['#/library/100%', { screen: 'library', id: '100%' }],
    ['#/nowhere', { screen: 'today', id: null }],
  ])('%s', (hash, place) => expect(placeOf(hash)).toEqual(place));

  it('come back from their own hash', () => {
    expect(placeOf(hashOf('library', 'a/b #1'))).toEqual({ screen: 'library', id: 'a/b #1' });
  });
});

describe('an answer', () => {
  it('gives way to the answer to a later question, also when it comes last', async () => {
    const asked = new Asked<string>();
    let late: (value: string) => void = () => {};
    const first = asked.ask(() => new Promise((resolve) => (late = resolve)));
    await asked.ask(() => Promise.resolve('new'));
    late('old');
    await first;
    expect(asked.value).toBe('new');
  });

  it('stands while the next question fails', async () => {
    const asked = new Asked<string>();
    await asked.ask(() => Promise.resolve('kept'));
    await asked.ask(() => Promise.reject({ code: 'x', message: 'The disk is full.' }));
    expect([asked.value, asked.error?.message]).toEqual(['kept', 'The disk is full.']);
  });
});
