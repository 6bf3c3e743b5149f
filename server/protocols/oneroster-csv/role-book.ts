import { createIdMap, type IdMap } from './id-set.ts';
import type { LineCells } from './line-cells.ts';

/** Cells of a school are as many as it has roles, sites and days on which a role begins; of more, nobody keeps a book. */
const mostCells = 50_000;

/** Columns of a file in which a role stands; null: there is no such column. */
export interface RoleColumns {
  readonly person: number;
  readonly role: number;
  readonly roleType: number | null;
  readonly site: number | null;
  readonly beginsOn: number | null;
  readonly endsOn: number | null;
}

/**
 * Everybody's roles as the one cell that is staged of them: `role|roleType|site|beginsOn|endsOn` each, followed by U+001F, in their order. It
 * holds no id (see `IdSet`) and each cell once.
 */
export class RoleBook {
  readonly ids: IdMap = createIdMap();
  /** More different cells than a book takes: the roles must be put together elsewhere. */
  isFull = false;
  /** Bytes of the longest cell, as it is written. */
  longest = 0;
  readonly #parts = new Map<string, number>();
  readonly #partTexts: string[] = [];
  readonly #cells: { readonly parts: readonly number[]; readonly csv: Buffer }[] = [];
  readonly #cellOf = new Map<string, number>();

  /** Notes the role in the line in hand. */
  note(cells: LineCells, bytes: Buffer, columns: RoleColumns): void {
    const text = (column: number | null) => (column === null ? '' : cells.text(bytes, column));
    const role = text(columns.role).trim().toLowerCase();
    if (role === '') return;
    const told = [
      role,
      text(columns.roleType).toLowerCase(),
      text(columns.site),
      text(columns.beginsOn),
      text(columns.endsOn),
    ].join('|');
    let part = this.#parts.get(told);
    if (part === undefined) {
      part = this.#partTexts.push(told) - 1;
      this.#parts.set(told, part);
    }
    const before = cells.valueIn(this.ids, bytes, columns.person);
    const cell = this.#with(before, part);
    if (cell !== before) cells.setIn(this.ids, bytes, columns.person, cell);
  }

  /** The cell of whoever stands in this column, in quotes, for COPY; null: he has no role here. */
  csvOf(cells: LineCells, bytes: Buffer, column: number): Buffer | null {
    return this.#cells[cells.valueIn(this.ids, bytes, column)]?.csv ?? null;
  }

  #with(before: number, part: number): number {
    const parts = this.#cells[before]?.parts ?? [];
    if (parts.includes(part) || this.isFull) return before === -1 ? 0 : before;
    const key = `${before} ${part}`;
    const known = this.#cellOf.get(key);
    if (known !== undefined) return known;
    const all = [...parts, part].toSorted((a, b) => ((this.#partTexts[a] ?? '') < (this.#partTexts[b] ?? '') ? -1 : 1));
    // The same roles told in another order are the same cell.
    const whole = all.join(',');
    let cell = this.#cellOf.get(whole);
    if (cell === undefined) {
      const text = all.map((index) => `${this.#partTexts[index] ?? ''}\u001f`).join('');
      const csv = Buffer.from(`"${text.replaceAll('"', '""')}"`, 'utf8');
      cell = this.#cells.push({ parts: all, csv }) - 1;
      this.#cellOf.set(whole, cell);
      this.longest = Math.max(this.longest, csv.length);
      this.isFull = this.#cells.length > mostCells || this.#cellOf.size > mostCells * 4;
    }
    this.#cellOf.set(key, cell);
    return cell;
  }
}
