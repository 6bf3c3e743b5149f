import { CrosswalkError } from '#server/kernel/errors.ts';
import {
  type CsvTable,
  type FileDefinition,
  fileDefinitions,
  fileOf,
  type OneRosterVersion,
  otherFiles,
} from './files.ts';
import { fold, type Header, missingColumns, readHeader } from './header.ts';
import { createIdSet, type IdSet } from './id-set.ts';
import { LineScanner } from './line-scanner.ts';
import { type DeclaredMode, largestManifest, type Manifest, readManifest } from './manifest.ts';
import {
  type CsvDeviation,
  CsvDeviationList,
  type FileProblem,
  type FileProblemCode,
  type LineReason,
  type SetAsideLine,
} from './problems.ts';
import { RepeatFinder } from './repeat-finder.ts';
import { RoleBook, type RoleColumns } from './role-book.ts';
import type { CopyBlock } from './row-writer.ts';
import type { OutputCell, RowFilter, ScanPlan } from './scan-plan.ts';
import { defaultZipLimits, type OpenZip, openZip, type ZipLimits, type ZipMember } from './zip-members.ts';

/** All rows of a collection, or only what has changed. */
export type FileMode = 'bulk' | 'delta';

export interface PackageFile {
  readonly name: string;
  readonly table: CsvTable;
  /** Null: there is no manifest, or it does not say, or says something else. */
  readonly declared: DeclaredMode | null;
  /**
   * `absent`: not there, and not said to be. `missing`: the manifest lists it. `undeclared`: there, but called absent. `unreadable`:
   * its problem says why. Only `readable` files give rows.
   */
  readonly state: 'readable' | 'without-rows' | 'absent' | 'missing' | 'undeclared' | 'unreadable';
  /** As its first rows tell: they have a status (delta) or none (bulk). The facts of a read tell it of all rows. */
  readonly mode: FileMode | null;
  /** Uncompressed. */
  readonly bytes: number;
}

interface WantedColumns {
  /** Staged columns that a grant needs; the others stay empty. Absent: all. */
  readonly columns?: readonly string[];
}

interface WantedRoles extends WantedColumns {
  /**
   * Role words that a grant needs, of people (`student`, `teacher`, `guardian`, `parent`, …) or, for enrolments, of enrolments. Rows of other
   * roles never leave the reader.
   */
  readonly roles: readonly string[];
}

interface WantedPeople extends WantedRoles {
  /**
   * Ids of people that we already have. In a delta set of 1.2 a person comes without his roles unless these changed; he passes if he
   * is known or has a wanted role in this package.
   */
  readonly known?: IdSet;
  /** One cell more, behind the others: the person's roles, of a package for which `gatherRoles` said so. */
  readonly withRoles?: boolean;
}

export interface Wanted {
  sites: WantedColumns;
  terms: WantedColumns;
  subjects: WantedColumns;
  groups: WantedColumns;
  people: WantedPeople;
  roles: WantedRoles;
  enrolments: WantedRoles;
  demographics: WantedPeople;
}

/** What a read has told, once it has ended. */
export interface ReadFacts {
  readonly file: string;
  readonly rows: number;
  /** Rows that no grant needs. */
  readonly filtered: number;
  readonly setAside: number;
  readonly reasons: ReadonlyMap<LineReason, number>;
  /** The first 10,000 of the lines set aside. */
  readonly lines: readonly SetAsideLine[];
  /** Null: there were no rows. */
  readonly mode: FileMode | null;
  /**
   * Every row that the school has is in it, so that what is missing may count as missing: the manifest calls it bulk and its rows agree,
   * CRC and size are right, and no line was set aside for its form; of people and demographics, the file with the roles too.
   */
  readonly complete: boolean;
  readonly deviations: readonly CsvDeviation[];
  /** Source ids among which all are that came twice in the file; null: nobody looked (roles), or there are too many to name. */
  readonly repeats: readonly string[] | null;
}

/** Blocks of whole lines for `COPY … FROM STDIN (FORMAT csv)`: `line,source_id,status,modified,<stagedColumns[table]>`. */
export interface TableRead extends AsyncIterable<CopyBlock> {
  /** Only once the iteration has ended. */
  facts(): ReadFacts;
}

export interface OneRosterPackage extends AsyncDisposable {
  readonly version: OneRosterVersion;
  /** One for each file that fills a table, there or not. */
  readonly files: readonly PackageFile[];
  readonly deviations: readonly CsvDeviation[];
  readonly problems: readonly FileProblem[];
  /**
   * Reads a table. Throws from the iteration: the file's `csv-…` code where it is unreadable, `package-damaged` where its bytes are not what
   * was packed (then none of its rows may be used). A file that is not readable for another reason gives no rows and is not complete.
   */
  read<T extends CsvTable>(table: T, wanted: Wanted[T]): TableRead;
  /**
   * Reads everybody's roles of these kinds, so that `people` come with theirs (`withRoles`) and no row of `roles` is needed. Null: the package tells
   * them otherwise, tells only what has changed, or tells too many different ones; then `roles` is to be read for itself.
   */
  gatherRoles(roles: readonly string[]): Promise<ReadFacts | null>;
  /** The mark of its zip's members (`OpenZip.mark`): two packages with one mark tell the same. */
  mark(): Promise<string>;
  close(): Promise<void>;
}

const headBytes = 65_536;

interface DataFile {
  readonly definition: FileDefinition;
  readonly file: PackageFile;
  readonly member: ZipMember | null;
  readonly header: Header | null;
  readonly problem: FileProblem | null;
}

/**
 * Opens a OneRoster CSV package of 1.1 or 1.2: looks at the zip, its manifest and the beginning of each file that fills a table. Refuses
 * what cannot be a package (`package-…` codes); what stands against one file is among the problems, what is harmless among the deviations.
 */
export async function openPackage(path: string, limits: ZipLimits = defaultZipLimits): Promise<OneRosterPackage> {
  const zip = await openZip(path, limits);
  try {
    return await inspect(zip);
  } catch (error) {
    await zip.close();
    throw error;
  }
}

async function inspect(zip: OpenZip): Promise<OneRosterPackage> {
  const deviations = new CsvDeviationList();
  const problems: FileProblem[] = [];
  const members = recognise(zip.members, deviations);
  const manifest = await manifestOf(zip, members, deviations);
  if (manifest === null) problems.push(fileProblem('csv-manifest-missing', 'manifest.csv'));

  const files: DataFile[] = [];
  for (const definition of fileDefinitions) {
    const file = await look(zip, definition, members.get(definition.name.toLowerCase()) ?? null, manifest, deviations);
    if (file.problem !== null) problems.push(file.problem);
    files.push(file);
  }
  const byTable = new Map(files.map((file) => [file.definition.table, file]));
  const version = manifest?.version ?? versionByContent(byTable);
  if (manifest !== null && isIncomplete(manifest, version)) deviations.note('manifest-incomplete', 'manifest.csv');
  for (const { definition, header } of files) {
    if (header === null) continue;
    for (const column of missingColumns(definition, header, columnsOf(definition, version))) {
      deviations.note('column-missing', definition.name, column);
    }
  }
  const roles = rolesStandIn(byTable);
  if (roles === null && byTable.get('people')?.file.mode === 'bulk' && byTable.get('roles')?.member === null) {
    problems.push(
      version === '1.1'
        ? { ...fileProblem('csv-column-missing', 'users.csv'), line: 1, column: 'role' }
        : fileProblem('csv-file-missing', 'roles.csv'),
    );
  } else if (roles !== null && (roles === 'roles') !== (version === '1.2')) {
    deviations.note('roles-of-another-version', fileOf(roles).name);
  }
  return new Reader(zip, version, byTable, roles, deviations.list(), unique(problems));
}

const fileProblem = (code: FileProblemCode, file: string): FileProblem => ({
  code,
  file,
  line: null,
  column: null,
  found: null,
});

const unique = (problems: readonly FileProblem[]) => [
  ...new Map(problems.map((problem) => [`${problem.code} ${problem.file}`, problem])).values(),
];

/** Members by their name in lower case. Refuses a package whose files lie about in several folders, or that has none. */
function recognise(members: readonly ZipMember[], deviations: CsvDeviationList): Map<string, ZipMember> {
  const standard = new Map(
    [...fileDefinitions.map(({ name }) => name), ...otherFiles].map((name) => [name.toLowerCase(), name]),
  );
  const ours = members.filter(({ name }) => standard.has(name.toLowerCase()));
  const [first] = ours;
  if (first === undefined) throw new CrosswalkError('package-without-files');
  const elsewhere = ours.find(({ folder }) => folder !== first.folder);
  if (elsewhere !== undefined) throw new CrosswalkError('package-in-folders', { details: { file: elsewhere.name } });
  if (first.folder !== '') deviations.note('file-in-folder', first.name);
  for (const { name } of members) {
    const known = standard.get(name.toLowerCase());
    if (known === undefined) deviations.note('file-unknown', name);
    else if (known !== name) deviations.note('file-name-case', known);
  }
  return new Map(ours.map((member) => [member.name.toLowerCase(), member]));
}

async function manifestOf(
  zip: OpenZip,
  members: ReadonlyMap<string, ZipMember>,
  deviations: CsvDeviationList,
): Promise<Manifest | null> {
  const member = members.get('manifest.csv');
  if (member === undefined) return null;
  const { head, isAll } = await zip.peek(member, largestManifest);
  if (!isAll)
    throw new CrosswalkError('package-manifest-unreadable', { details: { file: 'manifest.csv', line: 'none' } });
  return readManifest(head, deviations);
}

/** What stands in one file, by its place in the manifest, its header and its first rows. */
async function look(
  zip: OpenZip,
  definition: FileDefinition,
  member: ZipMember | null,
  manifest: Manifest | null,
  deviations: CsvDeviationList,
): Promise<DataFile> {
  const { name, table } = definition;
  const said = manifest?.files.get(name.toLowerCase()) ?? null;
  const declared = said === 'unknown' ? null : said;
  const is = (state: PackageFile['state'], more: Partial<DataFile> = {}, mode: FileMode | null = null): DataFile => ({
    definition,
    member,
    header: null,
    problem: null,
    ...more,
    file: { name, table, declared, state, mode, bytes: member?.bytes ?? 0 },
  });
  if (member === null) {
    const isMissing = declared === 'bulk' || declared === 'delta';
    return isMissing ? is('missing', { problem: fileProblem('csv-file-missing', name) }) : is('absent');
  }
  if (declared === 'absent') return is('undeclared', { problem: fileProblem('csv-file-undeclared', name) });
  if (said === 'unknown') deviations.note('manifest-value-unknown', name);
  else if (manifest !== null && said === null) deviations.note('file-not-in-manifest', name);

  const { head, isAll } = await zip.peek(member, headBytes);
  const read = readHeader(definition, head, isAll);
  for (const { key, column } of read.deviations) deviations.note(key, name, column);
  if ('problem' in read) return is('unreadable', { problem: { file: name, line: 1, ...read.problem } });
  const { header } = read;

  // The first rows, read for their status alone.
  const scanner = new LineScanner(
    planOf(definition, header, { columns: [], filters: [], collect: null, note: null, repeats: null, write: false }),
  );
  scanner.write(head);
  if (isAll) scanner.end();
  const { withStatus, withoutStatus, setAside } = scanner.facts();
  if (isAll && withStatus + withoutStatus + setAside === 0) {
    return is('without-rows', { header, problem: { ...fileProblem('csv-without-rows', name), line: 1 } });
  }
  return is('readable', { header }, modeOf(withStatus, withoutStatus));
}

/** Rows with a status are changes. Where some have one and some have none, nothing may be taken as gone: changes, too. */
function modeOf(withStatus: number, withoutStatus: number): FileMode | null {
  if (withStatus + withoutStatus === 0) return null;
  return withStatus > 0 ? 'delta' : 'bulk';
}

function isIncomplete(manifest: Manifest, version: OneRosterVersion): boolean {
  const expected = fileDefinitions.filter(({ table }) => version === '1.2' || table !== 'roles');
  return manifest.version === null || expected.some(({ name }) => !manifest.files.has(name.toLowerCase()));
}

function versionByContent(files: ReadonlyMap<CsvTable, DataFile>): OneRosterVersion {
  if (files.get('roles')?.member !== null) return '1.2';
  return files.get('people')?.header?.places.has('role') === true ? '1.1' : '1.2';
}

/** Behind the first three columns. */
function columnsOf(definition: FileDefinition, version: OneRosterVersion): readonly string[] {
  if (version === '1.2' || definition.table !== 'people') return definition.columns;
  const end = definition.columns.indexOf('userMasterIdentifier');
  return ['orgSourcedIds', 'role', ...definition.columns.slice(0, end)];
}

/** Which file says who has which role: roles.csv, or users.csv as in 1.1. */
function rolesStandIn(files: ReadonlyMap<CsvTable, DataFile>): 'roles' | 'people' | null {
  const roles = files.get('roles');
  if (roles?.file.state === 'readable') return 'roles';
  const hasRoleColumn = files.get('people')?.header?.places.has('role') === true;
  return hasRoleColumn && roles?.member === null ? 'people' : null;
}

interface PlanOptions {
  readonly columns: readonly string[] | undefined;
  readonly filters: readonly RowFilter[];
  readonly collect: IdSet | null;
  readonly note: ScanPlan['note'];
  readonly repeats: RepeatFinder | null;
  readonly write: boolean;
  /** Everybody's roles, for one cell more. */
  readonly book?: RoleBook | null;
}

/** What the scanner has to do with the lines of a file. */
function planOf(
  definition: FileDefinition,
  header: Header,
  { columns, book = null, ...options }: PlanOptions,
): ScanPlan {
  const place = (name: string) => header.places.get(name) ?? null;
  const wanted = columns === undefined ? null : new Set(columns);
  return {
    file: definition.name,
    columns: header.columns,
    sourceId: header.places.get(definition.sourceId) ?? 0,
    status: place('status'),
    modified: place('dateLastModified'),
    ids: definition.ids.flatMap((name) => place(name) ?? []),
    cells: [
      ...definition.cells.map(
        ([staged, source]): OutputCell =>
          source === null || wanted?.has(staged) === false ? { from: 'nothing' } : cellOf(source, header),
      ),
      ...(book === null ? [] : [{ from: 'book' as const, column: header.places.get(definition.sourceId) ?? 0, book }]),
    ],
    ...options,
  };
}

function cellOf(source: Exclude<FileDefinition['cells'][number][1], null>, header: Header): OutputCell {
  if ('hint' in source) {
    const places = header.hints.get(source.hint);
    return places === undefined ? { from: 'nothing' } : { from: 'first', columns: places };
  }
  if ('flags' in source) {
    const flags = source.flags.flatMap((name) => {
      const column = header.places.get(name);
      return column === undefined ? [] : [{ column, name }];
    });
    return { from: 'flags', flags };
  }
  const column = header.places.get('kindOf' in source ? source.kindOf : source.column);
  if ('kindOf' in source) {
    // A class of no type is read as a group, as over REST.
    return { from: 'word', column: column ?? null, words: new Map([['homeroom', 'class']]), other: 'group' };
  }
  return column === undefined ? { from: 'nothing' } : { from: 'column', column };
}

interface PeopleOfRoles {
  readonly ids: IdSet;
  readonly complete: boolean;
  /** Their roles, where these were gathered. */
  readonly book: RoleBook | null;
}

class Reader implements OneRosterPackage {
  readonly version: OneRosterVersion;
  readonly files: readonly PackageFile[];
  readonly deviations: readonly CsvDeviation[];
  readonly problems: readonly FileProblem[];
  readonly #zip: OpenZip;
  readonly #byTable: ReadonlyMap<CsvTable, DataFile>;
  readonly #rolesStandIn: 'roles' | 'people' | null;
  /** Who has one of these roles, once a whole read has told. */
  readonly #people = new Map<string, PeopleOfRoles>();

  constructor(
    zip: OpenZip,
    version: OneRosterVersion,
    byTable: ReadonlyMap<CsvTable, DataFile>,
    roles: 'roles' | 'people' | null,
    deviations: readonly CsvDeviation[],
    problems: readonly FileProblem[],
  ) {
    this.#zip = zip;
    this.version = version;
    this.#byTable = byTable;
    this.#rolesStandIn = roles;
    this.files = [...byTable.values()].map(({ file }) => file);
    this.deviations = deviations;
    this.problems = problems;
  }

  read<T extends CsvTable>(table: T, wanted: Wanted[T]): TableRead {
    let facts: ReadFacts | null = null;
    const blocks = this.#blocks(table, wanted, true, (told) => {
      facts = told;
    });
    return {
      [Symbol.asyncIterator]: () => blocks,
      facts() {
        if (facts === null) throw new CrosswalkError('internal', { details: { expected: 'a read that has ended' } });
        return facts;
      },
    };
  }

  async gatherRoles(roles: readonly string[]): Promise<ReadFacts | null> {
    const data = this.#byTable.get('roles');
    if (this.#rolesStandIn !== 'roles' || data?.file.mode !== 'bulk') return null;
    let facts: ReadFacts | null = null;
    const blocks = this.#blocks('roles', { columns: [], roles }, false, (told) => {
      facts = told;
    });
    let step = await blocks.next();
    while (step.done !== true) step = await blocks.next();
    return this.#people.get(keyOf(roles))?.book?.isFull === false ? facts : null;
  }

  mark(): Promise<string> {
    return this.#zip.mark();
  }

  close(): Promise<void> {
    return this.#zip.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async *#blocks(
    table: CsvTable,
    wanted: WantedColumns & Partial<WantedPeople>,
    write: boolean,
    tell: (facts: ReadFacts) => void,
  ): AsyncGenerator<CopyBlock, void, undefined> {
    const data = this.#byTable.get(table);
    if (data === undefined) throw new CrosswalkError('internal', { details: { unexpected: table } });
    const { definition, file, header, member, problem } = data;
    if (file.state === 'unreadable' && problem !== null) throw thrown(problem);
    if (file.state !== 'readable' || header === null || member === null) {
      tell(nothing(file));
      return;
    }

    const { filters, isWhole } = await this.#filtersOf(definition, header, wanted);
    // Whoever reads the roles learns by the way who has them.
    const book = table === 'roles' && !write && file.mode === 'bulk' ? new RoleBook() : null;
    const collect = table === this.#rolesStandIn && book === null ? createIdSet() : null;
    const columns = this.#withoutOtherRoles(table, wanted.columns);
    const written = wanted.withRoles === true ? (this.#people.get(keyOf(wanted.roles))?.book ?? null) : null;
    const note = book === null ? null : { in: book, columns: roleColumns(header) };
    const repeats = write && table !== 'roles' ? new RepeatFinder(file.bytes) : null;
    const scanner = new LineScanner(
      planOf(definition, header, { columns, filters, collect, note, repeats, write, book: written }),
    );
    for await (const chunk of this.#zip.read(member)) {
      scanner.write(chunk);
      yield* scanner.take();
    }
    scanner.end();
    yield* scanner.take();

    const facts = factsOf(file, scanner, isWhole, repeats?.named() ?? null);
    const ids = collect ?? book?.ids;
    if (ids !== undefined) this.#people.set(keyOf(wanted.roles), { ids, complete: facts.complete, book });
    tell(facts);
  }

  async #filtersOf(
    definition: FileDefinition,
    header: Header,
    wanted: Partial<WantedPeople>,
  ): Promise<{ filters: RowFilter[]; isWhole: boolean }> {
    const { table } = definition;
    const role = definition.role === null ? undefined : header.places.get(definition.role);
    const words = (wanted.roles ?? []).map((word) => word.toLowerCase());
    const isPersons = table === 'people' || table === 'demographics';
    if (isPersons && this.#rolesStandIn !== table) {
      const { ids, complete } = await this.#peopleOf(wanted.roles ?? []);
      const sets = wanted.known === undefined ? [ids] : [ids, wanted.known];
      return { filters: [{ by: 'id', column: header.places.get('sourcedId') ?? 0, sets }], isWhole: complete };
    }
    if (role === undefined) return { filters: [], isWhole: true };
    return { filters: [{ by: 'word', column: role, words }], isWhole: true };
  }

  /** The role in users.csv is told only where it is the one that counts. */
  #withoutOtherRoles(table: CsvTable, columns: readonly string[] | undefined): readonly string[] | undefined {
    if (table !== 'people' || this.#rolesStandIn === 'people') return columns;
    return (columns ?? fileOf('people').cells.map(([staged]) => staged)).filter(
      (staged) => staged !== 'role' && staged !== 'site_source_ids',
    );
  }

  /** The ids of everybody with one of these roles in this package. Reads the file that tells, unless it was read already. */
  async #peopleOf(roles: readonly string[]): Promise<PeopleOfRoles> {
    const key = keyOf(roles);
    const told = this.#people.get(key);
    if (told !== undefined) return told;
    const table = this.#rolesStandIn;
    const nobody = { ids: createIdSet(), complete: false, book: null };
    if (table === null) return nobody;
    const blocks = this.#blocks(table, { columns: [], roles }, false, () => undefined);
    let step = await blocks.next();
    while (step.done !== true) step = await blocks.next();
    return this.#people.get(key) ?? nobody;
  }
}

function roleColumns({ places }: Header): RoleColumns {
  const place = (name: string) => places.get(name) ?? null;
  return {
    person: places.get('userSourcedId') ?? 0,
    role: places.get('role') ?? 0,
    roleType: place('roleType'),
    site: place('orgSourcedId'),
    beginsOn: place('beginDate'),
    endsOn: place('endDate'),
  };
}

const keyOf = (roles: readonly string[] | undefined) => [...new Set(roles?.map((word) => fold(word)))].sort().join(' ');

function thrown(problem: FileProblem): CrosswalkError {
  const { code, file, line, column, found } = problem;
  return new CrosswalkError(code, {
    details: { file, line: line ?? 'none', column: column ?? 'none', found: found ?? 'none' },
  });
}

const nothing = (file: PackageFile): ReadFacts => ({
  file: file.name,
  rows: 0,
  filtered: 0,
  setAside: 0,
  reasons: new Map(),
  lines: [],
  mode: null,
  complete: false,
  deviations: [],
  repeats: [],
});

function factsOf(
  file: PackageFile,
  scanner: LineScanner,
  isWhole: boolean,
  repeats: readonly string[] | null,
): ReadFacts {
  const { rows, filtered, setAside, reasons, lines, ...told } = scanner.facts();
  const mode = modeOf(told.withStatus, told.withoutStatus);
  const deviations = new CsvDeviationList();
  if (told.blankLines > 0) deviations.note('blank-lines', file.name);
  if (told.brokenValues > 0) deviations.note('line-break-in-value', file.name);
  if (told.trailingCells > 0) deviations.note('trailing-cells', file.name);
  if (told.withStatus > 0 && told.withoutStatus > 0) deviations.note('mode-mixed', file.name);
  else if (mode !== null && file.declared !== null && mode !== file.declared) {
    deviations.note('mode-not-as-declared', file.name);
  }
  // A record with an unusable id never was one of ours; every other line that was set aside may have been.
  const lost = setAside - (reasons.get('source-id-unusable') ?? 0);
  return {
    file: file.name,
    rows,
    filtered,
    setAside,
    reasons,
    lines,
    mode,
    complete: isWhole && file.declared === 'bulk' && mode === 'bulk' && lost === 0,
    deviations: deviations.list(),
    repeats,
  };
}
