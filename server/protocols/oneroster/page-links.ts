/** Where in a list a page stands. */
export interface PagePlace {
  readonly limit: number;
  readonly offset: number;
  readonly total: number;
  /** The cursor behind the page's last record; null where it is the last page. */
  readonly next: string | null;
  /** Records of the page. */
  readonly count: number;
}

/**
 * The `Link` header of a page (reference §9): absolute addresses that carry every parameter. `next` carries a cursor besides its offset, so that
 * who follows it is quick and no record is missed or told twice while others come and go. Pure.
 * @param address of the list, without parameters
 */
export function pageLinks(address: string, params: URLSearchParams, place: PagePlace): string {
  const { limit, offset, total, next, count } = place;
  const link = (rel: string, at: number, cursor: string | null) => {
    const query = new URLSearchParams(params);
    query.set('limit', String(limit));
    query.set('offset', String(at));
    query.delete('cursor');
    if (cursor !== null) query.set('cursor', cursor);
    return `<${address}?${query.toString().replaceAll('+', '%20')}>; rel="${rel}"`;
  };
  const last = total === 0 ? 0 : Math.floor((total - 1) / limit) * limit;
  return [
    ...(next === null ? [] : [link('next', offset + count, next)]),
    ...(offset === 0 ? [] : [link('prev', Math.max(0, Math.min(offset, total) - limit), null)]),
    link('first', 0, null),
    link('last', last, null),
  ].join(', ');
}
