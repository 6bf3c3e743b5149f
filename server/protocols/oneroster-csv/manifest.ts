import { isUtf8 } from 'node:buffer';
import { CsvError, parse } from 'csv-parse/sync';
import { CrosswalkError } from '#server/kernel/errors.ts';
import type { OneRosterVersion } from './files.ts';
import { firstLineOf, fold, otherDelimiterOf } from './header.ts';
import type { CsvDeviationList } from './problems.ts';

/** What a manifest calls a file. */
export type DeclaredMode = 'absent' | 'bulk' | 'delta';

export interface Manifest {
  /** Null: it does not say. */
  readonly version: OneRosterVersion | null;
  /** By the file's name in lower case, with `.csv`. `unknown`: a word of its own, or two different ones. */
  readonly files: ReadonlyMap<string, DeclaredMode | 'unknown'>;
}

export const largestManifest = 262_144;
const file = 'manifest.csv';

const unreadable = (line: number | null, cause?: unknown) =>
  new CrosswalkError('package-manifest-unreadable', {
    details: { file, line: line === null ? 'none' : `${line}` },
    cause,
  });

/**
 * Reads `manifest.csv` (reference §15). Throws `package-manifest-unreadable`, `package-version-unknown`, `csv-not-utf8`, `csv-delimiter` or
 * `csv-line-ends`, each naming the place; what can be read is read and listed among the deviations.
 */
export function readManifest(bytes: Buffer, deviations: CsvDeviationList): Manifest {
  const first = firstLineOf(bytes, true);
  if ('problem' in first) {
    if (first.problem.code === 'csv-header-missing') throw unreadable(1);
    throw new CrosswalkError(first.problem.code, { details: { file, found: first.problem.found ?? 'none' } });
  }
  const delimiter = otherDelimiterOf(first.line, new Set(['propertyname', 'value']));
  if (delimiter !== null) throw new CrosswalkError('csv-delimiter', { details: { file, found: delimiter } });
  if (!isUtf8(bytes)) throw new CrosswalkError('csv-not-utf8', { details: { file, found: 'other' } });
  if (bytes.includes(0)) throw unreadable(null);
  if (first.hasMark) deviations.note('byte-order-mark', file);

  const [header, ...rows] = rowsOf(bytes.toString('utf8'));
  if (header === undefined || fold(header[0] ?? '') !== 'propertyname' || fold(header[1] ?? '') !== 'value') {
    throw unreadable(1);
  }
  const files = new Map<string, DeclaredMode | 'unknown'>();
  let version: string | null = null;
  for (const [property = '', value = ''] of rows) {
    const name = property.toLowerCase();
    if (name === 'manifest.version' && value !== '1.0') deviations.note('manifest-version-unknown', file);
    if (name === 'oneroster.version') version = value;
    if (!name.startsWith('file.')) continue;
    const key = `${name.slice('file.'.length).replace(/\.csv$/, '')}.csv`;
    const mode = declaredMode(value);
    const before = files.get(key);
    files.set(key, mode === null || (before !== undefined && before !== mode) ? 'unknown' : mode);
  }
  return { version: versionOf(version), files };
}

function rowsOf(text: string): string[][] {
  try {
    return parse(text, { bom: true, relax_column_count: true, skip_empty_lines: true, trim: true });
  } catch (cause) {
    throw unreadable(cause instanceof CsvError && typeof cause.lines === 'number' ? cause.lines : null, cause);
  }
}

function declaredMode(value: string): DeclaredMode | null {
  const word = value.toLowerCase();
  return word === 'absent' || word === 'bulk' || word === 'delta' ? word : null;
}

/** 1.2.1 is 1.2 with corrections. */
function versionOf(value: string | null): OneRosterVersion | null {
  if (value === null || value === '') return null;
  const match = /^v?1\.([12])(?:\.\d+)?$/i.exec(value);
  if (match === null) throw new CrosswalkError('package-version-unknown', { details: { file } });
  return match[1] === '1' ? '1.1' : '1.2';
}
