/**
 * Canvas ids are 64-bit integers, written as numbers unless the client accepts `application/json+canvas-string-ids`.
 * Inside the sandbox they are marked texts, so that ids beyond 2^53 reach the wire with every digit.
 */

const MARK = '@id:';

/** Marks an id for the writer. */
export const idText = (id: string): string => `${MARK}${id}`;

/** JSON with ids as strings or as bare numbers. */
export function writeJson(value: unknown, stringIds: boolean): string {
  return JSON.stringify(value).replaceAll(/"@id:(\d+)"/g, stringIds ? '"$1"' : '$1');
}
