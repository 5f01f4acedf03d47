// Which part of a long list is needed, and where the keys lead. Pure.

export type Range = { first: number; end: number };

/** The rows to draw, `end` exclusive: those in sight and `extra` more on either side. */
export function rowsInSight(top: number, height: number, rowHeight: number, total: number, extra = 6): Range {
  const first = Math.max(0, Math.floor(top / rowHeight) - extra);
  const end = Math.min(total, Math.ceil((top + height) / rowHeight) + extra);
  return { first: Math.min(first, end), end };
}

/** The pages that hold a range of rows. */
export function pagesOf({ first, end }: Range, size: number): number[] {
  const pages: number[] = [];
  if (end <= first) return pages;
  for (let page = Math.floor(first / size); page * size < end; page += 1) pages.push(page);
  return pages;
}

/** The scroll place that brings a row into sight with the least movement. */
export function scrollToShow(index: number, top: number, height: number, rowHeight: number): number {
  const from = index * rowHeight;
  if (from < top) return from;
  return from + rowHeight > top + height ? from + rowHeight - height : top;
}

/** Where a key leads from a row; null when the key means nothing to the list. */
export function rowAfterKey(key: string, index: number, total: number, page: number): number | null {
  const to = {
    ArrowDown: index + 1,
    ArrowUp: index - 1,
    PageDown: index + page,
    PageUp: index - page,
    Home: 0,
    End: total - 1,
  }[key];
  if (to === undefined || total === 0) return null;
  return Math.min(Math.max(to, 0), total - 1);
}
