import { describe, expect, it } from 'vitest';
import type { LibraryPage, LibraryQuery, WorkoutCard } from '../backend';
import { narrows, NO_FILTER, queryOf } from './filter';
import { PAGE, Pages } from './pages.svelte';
import { pagesOf, rowAfterKey, rowsInSight, scrollToShow } from './window';

describe('the window', () => {
  it('holds the rows in sight and a few more, and never leaves the list', () => {
    expect(rowsInSight(0, 560, 56, 10_000, 4)).toEqual({ first: 0, end: 14 });
    expect(rowsInSight(5600, 560, 56, 10_000, 4)).toEqual({ first: 96, end: 114 });
    expect(rowsInSight(559_440, 560, 56, 10_000, 4)).toEqual({ first: 9986, end: 10_000 });
    expect(rowsInSight(0, 560, 56, 3, 4)).toEqual({ first: 0, end: 3 });
  });

  it('is empty on an empty list, even when the old list was scrolled far down', () => {
    expect(rowsInSight(0, 560, 56, 0)).toEqual({ first: 0, end: 0 });
    const { first, end } = rowsInSight(99_999, 560, 56, 10);
    expect(end - first).toBe(0);
  });

  it('asks for every page that it touches', () => {
    expect(pagesOf({ first: 0, end: 0 }, 50)).toEqual([]);
    expect(pagesOf({ first: 0, end: 50 }, 50)).toEqual([0]);
    expect(pagesOf({ first: 49, end: 51 }, 50)).toEqual([0, 1]);
    expect(pagesOf({ first: 100, end: 201 }, 50)).toEqual([2, 3, 4]);
  });

  it('scrolls no further than needed', () => {
    expect(scrollToShow(5, 0, 560, 56)).toBe(0);
    expect(scrollToShow(10, 0, 560, 56)).toBe(56);
    expect(scrollToShow(2, 560, 560, 56)).toBe(112);
  });

  it.each([
    ['ArrowDown', 5, 6],
    ['ArrowUp', 0, 0],
    ['ArrowDown', 99, 99],
    ['PageDown', 5, 14],
    ['PageUp', 5, 0],
    ['Home', 50, 0],
    ['End', 50, 99],
    ['a', 5, null],
  ])('%s leads from row %d to %s', (key, from, to) => expect(rowAfterKey(key, from, 100, 9)).toBe(to));

  it('has nowhere to go without rows', () => expect(rowAfterKey('End', 0, 0, 9)).toBeNull());
});

describe('the question', () => {
  it('turns minutes into seconds and leaves out what was not chosen', () => {
    expect(queryOf({ ...NO_FILTER, text: '  over unders ', length: 2, load: 4 }, 100, 50)).toEqual({
      text: 'over unders',
      min_seconds: 1800,
      max_seconds: 3600,
      zone: null,
      min_tss: 100,
      max_tss: null,
      own: false,
      sort: 'name',
      offset: 100,
      limit: 50,
    });
  });

  it('knows whether it leaves anything out', () => {
    expect(narrows(NO_FILTER)).toBe(false);
    expect(narrows({ ...NO_FILTER, sort: 'tss' })).toBe(false);
    expect(narrows({ ...NO_FILTER, own: true })).toBe(true);
  });
});

describe('pages', () => {
  const row = (text: string, index: number) => ({ id: `${text}${index}`, name: `${text}${index}` }) as WorkoutCard;
  const answer = (query: LibraryQuery, total = 10_000): LibraryPage => ({
    total,
    offset: query.offset,
    rows: Array.from({ length: Math.min(query.limit, total - query.offset) }, (_, at) => row(query.text, query.offset + at)),
  });

  /** A backend whose answers come when the test says so. */
  function slow() {
    const asked: { query: LibraryQuery; reply: (total?: number) => void }[] = [];
    const ask = (query: LibraryQuery) =>
      new Promise<LibraryPage>((resolve) => asked.push({ query, reply: (total) => resolve(answer(query, total)) }));
    return { asked, ask };
  }
  const settled = () => new Promise((resolve) => setTimeout(resolve));

  it('come once each, as they come into sight', async () => {
    const { asked, ask } = slow();
    const pages = new Pages(NO_FILTER, ask);
    void pages.find(NO_FILTER);
    asked[0]?.reply();
    await settled();
    expect(pages.total).toBe(10_000);
    pages.show({ first: 40, end: 60 });
    pages.show({ first: 41, end: 61 });
    expect(asked.map(({ query }) => query.offset)).toEqual([0, PAGE]);
    expect(pages.row(55)).toBeUndefined();
    asked[1]?.reply();
    await settled();
    expect(pages.row(55)?.id).toBe('55');
  });

  it('show the latest search, in whatever order the answers come', async () => {
    const { asked, ask } = slow();
    const pages = new Pages(NO_FILTER, ask);
    void pages.find({ ...NO_FILTER, text: 'a' });
    void pages.find({ ...NO_FILTER, text: 'ab' });
    asked[1]?.reply(7);
    await settled();
    asked[0]?.reply(900);
    await settled();
    expect([pages.total, pages.row(0)?.id]).toEqual([7, 'ab0']);
  });

  it('keep the old rows until the new list is there, then fetch what came into sight meanwhile', async () => {
    const { asked, ask } = slow();
    const pages = new Pages(NO_FILTER, ask);
    void pages.find(NO_FILTER);
    asked[0]?.reply();
    await settled();
    void pages.refresh();
    pages.show({ first: 200, end: 220 });
    expect(pages.row(3)?.id).toBe('3');
    expect(asked).toHaveLength(2);
    asked[1]?.reply();
    await settled();
    expect(asked.at(-1)?.query.offset).toBe(200);
  });

  it('say why nothing came, and recover', async () => {
    let broken = true;
    const pages = new Pages(NO_FILTER, (query) =>
      broken ? Promise.reject({ code: 'library_rebuilding', message: 'The library is being rebuilt.' }) : Promise.resolve(answer(query)),
    );
    await pages.find(NO_FILTER);
    expect(pages.error?.code).toBe('library_rebuilding');
    broken = false;
    await pages.find(NO_FILTER);
    expect([pages.error, pages.total]).toEqual([null, 10_000]);
  });
});
