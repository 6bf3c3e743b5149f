import type { Scope } from '#db/schema/vocabulary.ts';
import type { Collection } from '#server/connectors/contract.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { type OneRosterPackage, openPackage, type PackageFile } from '#server/protocols/oneroster-csv/open-package.ts';
import type { FileProblem } from '#server/protocols/oneroster-csv/problems.ts';
import { collectionsKept, tablesKept } from '#server/roster/collections.ts';

/** What a package shows before it is taken in: names of the standard's files, places and numbers, nothing of what stands in them. */
export interface Inspected {
  readonly version: '1.1' | '1.2';
  readonly files: readonly Pick<PackageFile, 'name' | 'state' | 'mode'>[];
  readonly readable: readonly Collection[];
  readonly counts: Readonly<Partial<Record<Collection, number>>>;
  readonly problems: readonly FileProblem[];
}

const filledBy = {
  sites: ['sites'],
  terms: ['terms'],
  subjects: ['subjects'],
  groups: ['groups'],
  people: ['teachers', 'students', 'guardians'],
  roles: [],
  enrolments: ['enrolments'],
  demographics: ['demographics'],
} as const satisfies Record<PackageFile['table'], readonly Collection[]>;

/** Counting reads a file to its end: done where that is a matter of a moment. */
const mostBytesCounted = 8 * 1024 * 1024;
const counted = ['sites', 'terms', 'subjects', 'groups'] as const;

/**
 * Opens a package and looks at its manifest and its files' heads. Rows are counted of small files that name nobody.
 * @throws CrosswalkError `package-…`; and the `csv-…` code of a file that `scopes` need and that cannot be read at all
 */
export async function inspectPackage(path: string, scopes: readonly Scope[]): Promise<Inspected> {
  await using pack = await openPackage(path);
  const needed = new Set<string>(tablesKept(collectionsKept(scopes)));
  if (scopes.includes('roster.streams')) for (const table of ['subjects', 'groups']) needed.add(table);
  if (needed.has('people')) needed.add('roles');
  const unreadable = pack.files.find(({ state, table }) => state === 'unreadable' && needed.has(table));
  const problem = pack.problems.find(({ file }) => file === unreadable?.name);
  if (problem !== undefined) {
    const { code, ...place } = problem;
    throw new CrosswalkError(code, { details: place });
  }
  return {
    version: pack.version,
    files: pack.files.filter(({ state }) => state !== 'absent').map(({ name, state, mode }) => ({ name, state, mode })),
    readable: pack.files.filter(({ state }) => state === 'readable').flatMap(({ table }) => filledBy[table]),
    counts: await countRows(pack),
    problems: pack.problems,
  };
}

async function countRows(pack: OneRosterPackage): Promise<Partial<Record<Collection, number>>> {
  const counts: Partial<Record<Collection, number>> = {};
  for (const table of counted) {
    const file = pack.files.find((candidate) => candidate.table === table);
    if (file === undefined || file.state !== 'readable' || file.bytes > mostBytesCounted) continue;
    const read = pack.read(table, { columns: [] });
    for await (const block of read) void block;
    counts[table] = read.facts().rows;
  }
  return counts;
}
