// The rows of a long list, fetched page by page as they come into sight. The latest filter wins.

import { SvelteMap } from 'svelte/reactivity';
import { library, userError, type LibraryPage, type LibraryQuery, type UserError, type WorkoutCard } from '../backend';
import { queryOf, type Filter } from './filter';
import { pagesOf, type Range } from './window';

export const PAGE = 50;

export class Pages {
  /** Rows of the whole list; null until the first answer. */
  total = $state<number | null>(null);
  error = $state.raw<UserError | null>(null);

  #rows = new SvelteMap<number, WorkoutCard[]>();
  #asked = new Set<number>();
  #filter: Filter;
  #sight: Range = { first: 0, end: 0 };
  #restarting = false;
  #turn = 0;
  #ask: (query: LibraryQuery) => Promise<LibraryPage>;

  constructor(filter: Filter, ask: (query: LibraryQuery) => Promise<LibraryPage> = library) {
    this.#filter = filter;
    this.#ask = ask;
  }

  row(index: number): WorkoutCard | undefined {
    return this.#rows.get(Math.floor(index / PAGE))?.[index % PAGE];
  }

  /** Another list: its first answer replaces the rows that are shown until then. */
  async find(filter: Filter): Promise<void> {
    this.#filter = filter;
    await this.#restart([0]);
  }

  /** The same list, changed underneath: the rows in sight are asked again. */
  async refresh(): Promise<void> {
    await this.#restart([...new Set([0, ...pagesOf(this.#sight, PAGE)])]);
  }

  /** Asks for what is in sight and not there yet. */
  show(sight: Range): void {
    this.#sight = sight;
    // A list that is being replaced asks for the rest once it is there.
    if (this.#restarting) return;
    for (const page of pagesOf(sight, PAGE)) {
      if (!this.#asked.has(page)) void this.#fetch(page, this.#turn);
    }
  }

  async #restart(pages: number[]): Promise<void> {
    const turn = ++this.#turn;
    this.#restarting = true;
    try {
      const answers = await Promise.all(pages.map((page) => this.#ask(queryOf(this.#filter, page * PAGE, PAGE))));
      if (turn !== this.#turn) return;
      this.#rows.clear();
      pages.forEach((page, place) => this.#rows.set(page, answers[place]?.rows ?? []));
      this.#asked = new Set(pages);
      this.total = answers[0]?.total ?? 0;
      this.error = null;
    } catch (thrown) {
      if (turn !== this.#turn) return;
      this.error = userError(thrown);
    }
    this.#restarting = false;
    if (this.total !== null) this.show({ first: this.#sight.first, end: Math.min(this.#sight.end, this.total) });
  }

  async #fetch(page: number, turn: number): Promise<void> {
    this.#asked.add(page);
    try {
      const answer = await this.#ask(queryOf(this.#filter, page * PAGE, PAGE));
      if (turn !== this.#turn) return;
      this.#rows.set(page, answer.rows);
      this.total = answer.total;
    } catch (thrown) {
      if (turn !== this.#turn) return;
      this.#asked.delete(page);
      this.error = userError(thrown);
    }
  }
}
