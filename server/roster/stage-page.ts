import { createHash } from 'node:crypto';
import type { Collection, Page } from '#server/connectors/contract.ts';
import { type Fetched, listMark, type StagedRow, stagedCells } from '#server/connectors/staged-cells.ts';
import { stagedColumns } from '#server/connectors/staged-columns.ts';
import { collectionsKept, stagedIn } from './collections.ts';
import type { RowsToCopy } from './staging.ts';

export interface StagedPage {
  readonly rows: readonly RowsToCopy[];
  /** Records that have a row. */
  readonly staged: number;
  /** Records that no grant needs: read, and not stored. */
  readonly cut: number;
}

/** What tells a stream, and where else to look for it. */
const tellsStream = (column: string) =>
  column.startsWith('stream_') || column === 'grades' || column === 'subject_source_id' || column === 'kind';

/** Begins the id under which a record that is not kept is remembered until repeats are counted. */
export const cutMark = '\u001fcut:';

const markOf = (sourceId: string) => createHash('sha256').update(sourceId).digest('base64url').slice(0, 16);

/** Cuts a page to what the scopes need and writes the rest as lines for `COPY … (FORMAT csv)`. Pure. */
export function stagePage<C extends Collection>(page: Page<C>, scopes: readonly string[]): StagedPage {
  const kept = collectionsKept(scopes);
  const { collection } = page;
  const table = stagedIn[collection];
  const columns = table === 'people' ? [...stagedColumns.people, 'roles'] : stagedColumns[table];
  const names: readonly string[] = stagedColumns[table];
  // By column, decided once for all rows: what rests of a record that is kept, and of one that only tells a stream.
  const ofKept = names.map((name) => kept.has('streams') || !name.startsWith('stream_'));
  const ofStreams = names.map((name, at) => ofKept[at] === true && tellsStream(name));
  const lines: string[] = [];
  let cut = 0;
  const marks = [...(page.cutMarks ?? [])];
  for (const [index, record] of page.records.entries()) {
    const reach = reachOf(collection, record);
    if (!reach.isKept && !reach.tellsStreams) {
      cut += 1;
      marks.push(markOf(record.sourceId));
      continue;
    }
    const rows = stagedCells(collection, record);
    const [row] = rows;
    if (row === undefined) continue;
    const rests = reach.isKept ? ofKept : ofStreams;
    let line = `${index + 1},${csvCell(row.sourceId)},${csvCell(row.status)},${csvCell(row.modified)}`;
    for (const [at, cell] of row.cells.entries()) line += rests[at] === true ? `,${csvCell(cell)}` : ',';
    if (table === 'people') line += `,${csvCell(rolesCell(rows))}`;
    lines.push(line);
  }
  const staged = lines.length;
  for (const mark of marks) lines.push(`,${csvCell(`${cutMark}${collection}:${mark}`)},,${','.repeat(columns.length)}`);
  const bytes = lines.length === 0 ? [] : [Buffer.from(`${lines.join('\n')}\n`, 'utf8')];
  return { rows: [{ table, columns, lines: bytes }], staged, cut };

  function reachOf(name: Collection, record: Fetched<Collection>) {
    const isKept =
      name === 'groups' && 'kind' in record && 'termSourceIds' in record
        ? kept.has(record.kind === 'class' ? 'classes' : 'groups')
        : name !== 'courses'
          ? kept.has(name)
          : kept.has('courses');
    const tellsStreams = kept.has('streams') && !record.deleted && (name === 'groups' || name === 'subjects');
    return { isKept, tellsStreams };
  }
}

/** Each role `role|roleType|site|beginsOn|endsOn`, followed by the mark of lists. */
function rolesCell(rows: readonly StagedRow[]): string | null {
  const roles = rows
    .filter((row) => row.table === 'roles')
    .map((row) => row.cells.map((cell) => (cell ?? '').replaceAll('|', '')).join('|'));
  return roles.length === 0 ? null : `${[...new Set(roles)].sort().join(listMark)}${listMark}`;
}

/** A cell of CSV: null is empty, text stands in quotes. PostgreSQL's text holds no NUL. */
export const csvCell = (cell: string | null): string => {
  if (cell === null) return '';
  return needsCare.test(cell) ? `"${cell.replaceAll('"', '""').replaceAll('\u0000', '')}"` : `"${cell}"`;
};
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is looked for
const needsCare = /["\u0000]/;
