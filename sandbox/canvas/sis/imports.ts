/**
 * The queue of SIS imports: one at a time, written down, resumable. It moves a step whenever somebody asks after it, so that no test
 * sleeps and an import can be seen in every state. Source: `app/models/sis_batch.rb` of instructure/canvas-lms.
 */

import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import type { Mails } from '../mails.ts';
import type { CanvasModel } from '../model.ts';
import { birthImportId } from '../model.ts';
import { accountImporter, courseImporter, sectionImporter, termImporter } from './courses.ts';
import type { CsvFile, Importer, Row } from './csv-files.ts';
import { failureOf, importers, readUpload, rowInfo } from './csv-files.ts';
import { diffFiles } from './diff.ts';
import { groupCategoryImporter, groupImporter, groupMembershipImporter } from './groups.ts';
import { enrollmentImporter, userImporter } from './people.ts';
import type { StateChange, Work } from './work.ts';
import { ImportError } from './work.ts';

export const importStates = [
  'initializing',
  'created',
  'importing',
  'cleanup_batch',
  'imported',
  'imported_with_messages',
  'aborted',
  'failed',
  'failed_with_messages',
  'restoring',
  'partially_restored',
  'restored',
] as const;
export type ImportState = (typeof importStates)[number];

const problemSchema = z.object({
  file: z.string().nullable(),
  message: z.string(),
  row: z.int().nullable(),
  rowInfo: z.string().nullable(),
  failure: z.boolean(),
});
export const importOptionsSchema = z.object({
  skipDeletes: z.boolean(),
  overrideStickiness: z.boolean(),
  updateSisIdIfLoginClaimed: z.boolean(),
  diffingDropStatus: z.enum(['deleted', 'inactive', 'completed', 'deleted_last_completed']).nullable(),
  diffingUserRemoveStatus: z.enum(['deleted', 'suspended']).nullable(),
  changeThreshold: z.int().nullable(),
  diffRowCountThreshold: z.int().nullable(),
  dataSet: z.string().nullable(),
  remaster: z.boolean(),
});
export type ImportRequestOptions = z.output<typeof importOptionsSchema>;

export const sisImportSchema = z.object({
  id: z.string(),
  userId: z.string(),
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
  updatedAt: z.string(),
  state: z.enum(importStates),
  progress: z.int(),
  extension: z.enum(['zip', 'csv']),
  fileName: z.string(),
  /** SHA-256 of the upload, to tell two uploads of one content. */
  digest: z.string(),
  options: importOptionsSchema,
  /** True once a difference was made of it: then later ones are compared with it. */
  isDiffed: z.boolean(),
  diffedAgainst: z.string().nullable(),
  thresholdExceeded: z.boolean().nullable(),
  /** Names of its CSV files, known once it has begun. */
  csvNames: z.array(z.string()),
  supplied: z.array(z.enum(importers)),
  done: z.array(z.enum(importers)),
  counts: z.record(z.string(), z.int()),
  statistics: z.record(z.string(), z.record(z.string(), z.int())),
  problems: z.array(problemSchema),
});
export type SisImport = z.output<typeof sisImportSchema>;

/** Where uploads lie. */
export type Uploads = { put(id: string, bytes: Uint8Array): void; get(id: string): Uint8Array | undefined };

export type ImportSettings = {
  /** Steps that an import takes once it has begun. */
  importSteps: number;
  /** What becomes of the next import that begins, whatever its files say; once. */
  nextImport: 'as-it-is' | 'failed' | 'aborted-midway' | 'stuck-initializing';
  authenticationProviders: readonly string[];
  selfServiceUserMerge: boolean;
};

export type SisImports = {
  create(upload: {
    bytes: Uint8Array;
    extension: 'zip' | 'csv';
    fileName: string;
    userId: string;
    options: ImportRequestOptions;
  }): SisImport;
  list(): readonly SisImport[];
  get(id: string): SisImport | undefined;
  /** False where it has ended already. */
  abort(id: string): boolean;
  abortAllPending(): void;
  /** Moves the queue by one step. */
  step(): void;
};

const finished: readonly ImportState[] = [
  'imported',
  'imported_with_messages',
  'aborted',
  'failed',
  'failed_with_messages',
  'restored',
  'partially_restored',
];
const succeeded: readonly ImportState[] = ['imported', 'imported_with_messages'];
/** After a running import was aborted the next begins so much later. */
const PAUSE_AFTER_ABORT_MS = 600_000;
/** So many imports of a data set in a row may exceed its threshold; then they fail. */
const EXCEEDED_AT_MOST = 5;

const plural: Readonly<Record<Importer, string>> = {
  account: 'accounts',
  term: 'terms',
  course: 'courses',
  section: 'sections',
  user: 'users',
  enrollment: 'enrollments',
  group_category: 'group_categories',
  group: 'groups',
  group_membership: 'group_memberships',
};

const importerOf: Readonly<Record<Importer, (work: Work) => (row: Row) => boolean>> = {
  account: accountImporter,
  term: termImporter,
  course: courseImporter,
  section: sectionImporter,
  user: userImporter,
  enrollment: enrollmentImporter,
  group_category: groupCategoryImporter,
  group: groupImporter,
  group_membership: groupMembershipImporter,
};

/** The import that a Canvas filled by its SIS was born with, so that its list tells of it. */
export function birthImport(schoolYear: number): SisImport {
  const at = `${schoolYear}-07-01T08:00:00Z`;
  return {
    id: birthImportId,
    userId: '2',
    createdAt: at,
    startedAt: at,
    endedAt: at,
    updatedAt: at,
    state: 'imported',
    progress: 100,
    extension: 'zip',
    fileName: 'registra-nightly.zip',
    digest: '',
    options: {
      skipDeletes: false,
      overrideStickiness: false,
      updateSisIdIfLoginClaimed: false,
      diffingDropStatus: null,
      diffingUserRemoveStatus: null,
      changeThreshold: null,
      diffRowCountThreshold: null,
      dataSet: 'registra-nightly',
      remaster: false,
    },
    isDiffed: false,
    diffedAgainst: null,
    thresholdExceeded: false,
    csvNames: ['accounts.csv', 'terms.csv', 'courses.csv', 'sections.csv', 'users.csv'],
    supplied: ['account', 'term', 'course', 'section', 'user'],
    done: ['account', 'term', 'course', 'section', 'user'],
    counts: { accounts: 3, terms: 3, error_count: 0, warning_count: 0 },
    statistics: {},
    problems: [],
  };
}

export function createSisImports(deps: {
  model: CanvasModel;
  mails: Mails;
  clock: Clock;
  settings: ImportSettings;
  uploads: Uploads;
  kept: readonly SisImport[];
  save(imports: readonly SisImport[]): void;
}): SisImports {
  const { model, mails, clock, settings, uploads } = deps;
  const imports = [...deps.kept];
  const prepared = new Map<string, readonly CsvFile[]>();
  let blockedUntil = 0;
  const now = (): string => new Date(clock.now()).toISOString();
  const save = (): void => deps.save(imports);

  /** What a new upload of a data set is compared with. */
  const previousOf = (current: SisImport): SisImport | undefined => {
    const others = imports.filter(
      (one) => one !== current && succeeded.includes(one.state) && one.options.dataSet === current.options.dataSet,
    );
    return others.filter((one) => one.options.remaster || one.isDiffed).at(-1) ?? others[0];
  };
  const exceededInARow = (dataSet: string): number => {
    const ofSet = imports.filter((one) => one.options.dataSet === dataSet && finished.includes(one.state)).reverse();
    const first = ofSet.findIndex((one) => one.thresholdExceeded !== true);
    return first === -1 ? ofSet.length : first;
  };

  /** Reads the files of an import and, in diffing mode, what of them is new. */
  const prepare = (current: SisImport): readonly CsvFile[] => {
    const bytes = uploads.get(current.id);
    if (bytes === undefined) {
      current.problems.push(failureOf(null, 'Error while importing CSV. Please contact support.'));
      return [];
    }
    const read = readUpload(bytes, current.extension);
    const isFirst = current.done.length === 0;
    if (isFirst) current.problems.push(...read.problems);
    const { dataSet, remaster, changeThreshold, diffRowCountThreshold } = current.options;
    const previous = dataSet === null || remaster ? undefined : previousOf(current);
    const before = previous === undefined ? undefined : uploads.get(previous.id);
    if (dataSet === null || previous === undefined || before === undefined) return read.files;
    if (exceededInARow(dataSet) >= EXCEEDED_AT_MOST) {
      current.problems.push(
        failureOf(null, 'Diffing threshold exceeded in too many consecutive imports, remaster the data set'),
      );
      return [];
    }
    const old = readUpload(before, previous.extension);
    const warn = (message: string): void => {
      if (isFirst) current.problems.push({ ...failureOf(null, message), failure: false });
    };
    if (changeThreshold !== null && Math.abs(1 - read.size / old.size) * 100 > changeThreshold) {
      current.thresholdExceeded = true;
      warn('Diffing not performed because file size difference exceeded threshold');
      return read.files;
    }
    const diff = diffFiles(old.files, read.files, {
      enrollment: current.options.diffingDropStatus,
      user: current.options.diffingUserRemoveStatus,
    });
    if (
      diffRowCountThreshold !== null &&
      diff.files.reduce((sum, { rows }) => sum + rows.length, 0) > diffRowCountThreshold
    ) {
      current.thresholdExceeded = true;
      warn('Diffing not performed because difference row count exceeded threshold');
      return read.files;
    }
    if (isFirst) current.problems.push(...diff.problems);
    Object.assign(current, { thresholdExceeded: false, isDiffed: true, diffedAgainst: previous.id });
    return diff.files;
  };

  const run = (current: SisImport, file: CsvFile): void => {
    const work: Work = {
      model,
      mails,
      importId: current.id,
      userId: current.userId,
      options: current.options,
      providers: settings.authenticationProviders,
      tellsOfSameEmail: settings.selfServiceUserMerge,
      count: (type, change: StateChange) => {
        const stats = current.statistics[type] ?? {};
        stats[change] = (stats[change] ?? 0) + 1;
        current.statistics[type] = stats;
      },
    };
    const add = importerOf[file.importer](work);
    let count = 0;
    for (const row of file.rows) {
      try {
        if (add(row)) count += 1;
      } catch (error) {
        if (!(error instanceof ImportError)) throw error;
        current.problems.push({
          file: file.name,
          message: error.message,
          row: row.line,
          rowInfo: rowInfo(file.importer, row),
          failure: false,
        });
      }
    }
    const key = plural[file.importer];
    current.counts[key] = (current.counts[key] ?? 0) + count;
  };

  const finish = (current: SisImport, hasFailed: boolean): void => {
    const failures = current.problems.filter(({ failure }) => failure).length;
    const isBad = hasFailed || failures > 0;
    const messages = current.problems.length > 0 ? '_with_messages' : '';
    current.state = isBad ? `failed${messages}` : `imported${messages}`;
    current.counts.error_count = failures;
    current.counts.warning_count = current.problems.length - failures;
    if (!isBad) current.progress = 100;
    current.endedAt = now();
    prepared.delete(current.id);
  };

  const begin = (current: SisImport): void => {
    Object.assign(current, { state: 'importing', startedAt: now(), updatedAt: now() });
    const files = prepare(current);
    prepared.set(current.id, files);
    current.csvNames = files.map(({ name }) => name);
    current.supplied = importers.filter((kind) => files.some(({ importer }) => importer === kind));
    for (const kind of importers) current.counts[plural[kind]] = 0;
    if (files.length === 0)
      finish(
        current,
        current.problems.some(({ failure }) => failure),
      );
  };

  const advance = (current: SisImport): void => {
    const outcome = settings.nextImport;
    const files = prepared.get(current.id) ?? prepare(current);
    prepared.set(current.id, files);
    const left = current.supplied.filter((kind) => !current.done.includes(kind));
    const share = Math.ceil(current.supplied.length / Math.max(1, settings.importSteps));
    for (const kind of left.slice(0, share)) {
      for (const file of files) if (file.importer === kind) run(current, file);
      current.done.push(kind);
    }
    current.progress = Math.round((100 * current.done.length) / Math.max(1, current.supplied.length));
    current.updatedAt = now();
    if (outcome === 'failed') {
      settings.nextImport = 'as-it-is';
      current.problems.push(
        failureOf(files[0]?.name ?? null, 'Error while importing CSV. Please contact support. (Error report 4711)'),
      );
      finish(current, true);
      return;
    }
    if (outcome === 'aborted-midway') {
      settings.nextImport = 'as-it-is';
      abort(current);
      return;
    }
    if (current.done.length >= current.supplied.length) finish(current, false);
  };

  const abort = (current: SisImport): void => {
    if (current.state === 'importing') blockedUntil = clock.now() + PAUSE_AFTER_ABORT_MS;
    // It never comes to its end, so its messages are not counted and it has no moment of ending.
    Object.assign(current, { state: 'aborted', updatedAt: now() });
    prepared.delete(current.id);
  };

  return {
    create: ({ bytes, extension, fileName, userId, options }) => {
      const isStuck = settings.nextImport === 'stuck-initializing';
      if (isStuck) settings.nextImport = 'as-it-is';
      const ids = imports.map(({ id }) => Number(id));
      const made: SisImport = {
        id: String(Math.max(Number(birthImportId), ...ids) + 1),
        userId,
        createdAt: now(),
        startedAt: null,
        endedAt: null,
        updatedAt: now(),
        state: isStuck ? 'initializing' : 'created',
        progress: 0,
        extension,
        fileName,
        digest: createHash('sha256').update(bytes).digest('hex'),
        options,
        isDiffed: false,
        diffedAgainst: null,
        thresholdExceeded: null,
        csvNames: [],
        supplied: [],
        done: [],
        counts: {},
        statistics: {},
        problems: [],
      };
      uploads.put(made.id, bytes);
      imports.push(made);
      save();
      return made;
    },
    list: () => imports,
    get: (id) => imports.find((one) => one.id === id),
    abort: (id) => {
      const found = imports.find((one) => one.id === id && !finished.includes(one.state));
      if (found === undefined) return false;
      abort(found);
      save();
      return true;
    },
    abortAllPending: () => {
      for (const one of imports) if (['initializing', 'created'].includes(one.state)) abort(one);
      save();
    },
    step: () => {
      if (clock.now() < blockedUntil) return;
      const running = imports.find(({ state }) => state === 'importing');
      // One that is stuck before it was created is passed over.
      const next = running ?? imports.find(({ state }) => state === 'created');
      if (next === undefined) return;
      if (next === running) advance(next);
      else begin(next);
      save();
    },
  };
}
