import { createHash } from 'node:crypto';
import { z } from 'zod';
import { createDeviations } from '#server/connectors/exchange/deviations.ts';
import type { ForeignImport, PackageProblem, PackageState, PackageToSubmit } from '#server/connectors/push-contract.ts';
import { CrosswalkError, isCrosswalkError } from '#server/kernel/errors.ts';
import type { StreamedBody } from '#server/kernel/outbound/client.ts';
import { type CanvasSession, callCanvas, getPage, pageSize, rootAccount } from './client.ts';
import { freeEmails } from './free-emails.ts';
import { makePackage } from './sis-package.ts';
import { problemOf } from './sis-problems.ts';
import type { Spool } from './spool.ts';
import { type SisImport, sisErrorsSchema, sisImportSchema, sisImportsSchema } from './wire.ts';

/**
 * A push into Canvas is an SIS import in diffing mode: each package holds everything that is ours, Canvas compares it with the last one of the same
 * data set and applies the difference.
 *
 * Diffing alone would be dangerous: by itself Canvas deletes whatever a package holds no more, a user with all his enrolments among it, so that a file
 * that was cut short would empty a school. It would also pass over whatever reads as in the last package, although somebody undid it
 * over there or Canvas refused it. Therefore:
 * - every picture is sent with `skip_deletes`. Nothing is ever deleted because it is missing, and no threshold has to be guessed: `change_threshold`
 *   guards only against large losses, and after five exceedings Canvas refuses the data set;
 * - what goes is named, row by row, in a second import of its own that compares nothing, put in the queue before the picture;
 * - whatever is to be applied bears its package's mark, so that it differs from every row before it (`sis-rows.ts`).
 */

/** Long enough for the bytes of a large district over a slow line. */
const uploadTimeoutMs = 300_000;
/** A package stuck before it was created is passed over by Canvas and never imported. */
const stuckAfterMs = 30 * 60_000;
/** How far back another's import counts: a school year and its holidays. */
const foreignWithinMs = 400 * 24 * 3_600_000;
/** Clocks differ; an import that seems to have been made before it was sent is looked for too. */
const clockDifferenceMs = 3_600_000;
const mostPages = 40;

const importsPath = (root: string) => `/api/v1/accounts/${encodeURIComponent(root)}/sis_imports`;
const importsScope = 'url:GET|/api/v1/accounts/:account_id/sis_imports';

/** A data set of its own for what goes, so that it is found by its name. It is never compared: each mark is used once. */
const removalsOf = (mark: string) => `${mark}-removals`;

/**
 * A number made of the mark. Canvas takes it for a limit of rows that no package reaches, and tells it in every answer from the first on: the
 * steady name of a data set cannot tell two packages apart.
 */
function numberOf(mark: string): number {
  const bytes = createHash('sha256').update(mark).digest();
  return 2 ** 50 + bytes.readUIntBE(0, 6);
}

const ticketSchema = z.object({ root: z.string(), picture: z.string(), removals: z.string().nullable() });
type Ticket = z.infer<typeof ticketSchema>;
function ticketOf(text: string): Ticket {
  const parsed = ticketSchema.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  throw new CrosswalkError('internal', { details: { problem: 'ticket-unreadable' } });
}

const unreadable = () => new CrosswalkError('foreign-answer-unreadable', { details: { problem: 'another-shape' } });

/** Imports since a moment, newest first. */
async function* importsSince(session: CanvasSession, root: string, since: Date): AsyncGenerator<SisImport> {
  const first = new URLSearchParams({ per_page: String(pageSize), created_since: since.toISOString() });
  let query: string | null | undefined = first.toString();
  for (let page = 0; typeof query === 'string' && page < mostPages; page++) {
    const answer: Awaited<ReturnType<typeof getPage>> = await getPage(
      session,
      importsPath(root),
      query,
      importsScope,
      createDeviations(),
    );
    const parsed = sisImportsSchema.safeParse(answer.json);
    if (!parsed.success) throw unreadable();
    yield* parsed.data.sis_imports;
    query = answer.next;
  }
}

async function importOf(session: CanvasSession, root: string, id: string): Promise<SisImport> {
  const path = `${importsPath(root)}/${encodeURIComponent(id)}`;
  const scope = 'url:GET|/api/v1/accounts/:account_id/sis_imports/:id';
  const parsed = sisImportSchema.safeParse(await callCanvas(session, { method: 'GET', path, scope }));
  if (!parsed.success) throw unreadable();
  return parsed.data;
}

/** Whether an import is of the package with this mark; older installs do not tell the number, but once begun the names of its files. */
function isMarked(one: SisImport, mark: string): boolean {
  if (one.diffing_data_set_identifier === removalsOf(mark)) return false;
  if (one.diff_row_count_threshold === numberOf(mark)) return true;
  const names = (one.csv_attachments ?? []).map((file) => file.display_name ?? file.filename ?? '');
  return names.some((name) => name.endsWith(`.${mark}.csv`));
}

/** The ticket of a package that arrived although nobody heard of it. What goes is sent first: where the picture is there, all of it is. */
export async function findPackage(
  session: CanvasSession,
  { mark, since }: { readonly mark: string; readonly since: Date },
): Promise<string | null> {
  const root = await rootAccount(session, createDeviations());
  let picture: string | null = null;
  let removals: string | null = null;
  for await (const one of importsSince(session, root, new Date(since.getTime() - clockDifferenceMs))) {
    if (isMarked(one, mark)) picture = one.id;
    if (one.diffing_data_set_identifier === removalsOf(mark)) removals = one.id;
  }
  return picture === null ? null : JSON.stringify({ root, picture, removals } satisfies Ticket);
}

/** The import of what goes that an earlier attempt sent before it was cut off. */
async function findRemovals(session: CanvasSession, root: string, mark: string): Promise<string | null> {
  const since = new Date(session.clock.now().getTime() - 7 * 24 * 3_600_000);
  for await (const one of importsSince(session, root, since)) {
    if (one.diffing_data_set_identifier === removalsOf(mark)) return one.id;
  }
  return null;
}

/** Hands a package over: first what goes, if anything does, then the whole picture. Canvas works off one import after the other. */
export async function submitPackage(session: CanvasSession, toSubmit: PackageToSubmit): Promise<string> {
  const { mark, dataSet, isFresh, changes, onProgress } = toSubmit;
  const root = await rootAccount(session, createDeviations());
  let made = 0;
  await using sis = await makePackage({
    mark,
    changes,
    emailOf: () => freeEmails(session),
    onProgress: (count) => {
      made = count;
      return onProgress(count);
    },
  });
  const keepAlive = () => onProgress(made);
  const removals =
    sis.removals === null
      ? null
      : ((await findRemovals(session, root, mark)) ??
        (await upload(session, root, sis.removals, keepAlive, {
          diffing_data_set_identifier: removalsOf(mark),
          diffing_remaster_data_set: 'true',
        })));
  const picture = await upload(session, root, sis.picture, keepAlive, {
    diffing_data_set_identifier: dataSet,
    diff_row_count_threshold: String(numberOf(mark)),
    skip_deletes: 'true',
    ...(isFresh ? { diffing_remaster_data_set: 'true' } : {}),
  });
  return JSON.stringify({ root, picture, removals } satisfies Ticket);
}

/** Bytes after which the caller hears that the upload goes on. */
const heardEvery = 4 * 1024 * 1024;

async function upload(
  session: CanvasSession,
  root: string,
  zip: Spool,
  keepAlive: () => Promise<void>,
  parameters: Record<string, string>,
): Promise<string> {
  const body: StreamedBody = {
    bytes: zip.bytes,
    stream: async function* () {
      let sent = 0;
      for await (const chunk of zip.read()) {
        const before = Math.floor(sent / heardEvery);
        sent += chunk.length;
        if (Math.floor(sent / heardEvery) > before) await keepAlive();
        yield chunk;
      }
    },
  };
  const query = new URLSearchParams({ import_type: 'instructure_csv', extension: 'zip', ...parameters });
  const answer = await callCanvas(session, {
    method: 'POST',
    path: `${importsPath(root)}?${query}`,
    contentType: 'application/zip',
    body,
    scope: 'url:POST|/api/v1/accounts/:account_id/sis_imports',
    timeoutMs: uploadTimeoutMs,
  });
  const parsed = sisImportSchema.safeParse(answer);
  if (parsed.success) return parsed.data.id;
  // With 200 and an error inside Canvas says that another import is at work; nothing was kept.
  const isBusy = z.object({ batch_in_progress: z.literal(true) }).safeParse(answer).success;
  if (isBusy) throw new CrosswalkError('foreign-unavailable', { details: { problem: 'import-in-process' } });
  throw unreadable();
}

const isDone = (state: string) => state === 'imported' || state === 'imported_with_messages';
const isEnded = (state: string) =>
  isDone(state) ||
  ['aborted', 'failed', 'failed_with_messages', 'restoring', 'restored', 'partially_restored'].includes(state);

/** Whether an import that is no longer at work did nothing at all. */
const didNothing = (one: SisImport): boolean =>
  (one.workflow_state === 'aborted' || one.workflow_state === 'initializing') && (one.started_at ?? null) === null;

/** How far a package is. The longer it takes, the longer is waited: nobody is helped by a hundred questions. */
export async function followPackage(session: CanvasSession, text: string): Promise<PackageState> {
  const { root, picture, removals } = ticketOf(text);
  const now = session.clock.now().getTime();
  const imports: SisImport[] = [];
  for (const id of removals === null ? [picture] : [removals, picture]) {
    try {
      imports.push(await importOf(session, root, id));
    } catch (error) {
      if (!isCrosswalkError(error, 'foreign-not-found')) throw error;
      return { state: 'ended', how: 'cut-off', details: { state: 'not-found' } };
    }
  }
  const madeAt = (one: SisImport) => one.created_at?.getTime() ?? now;
  const isStuck = (one: SisImport) => one.workflow_state === 'initializing' && now - madeAt(one) > stuckAfterMs;
  if (imports.some((one) => !isEnded(one.workflow_state) && !isStuck(one))) {
    const age = Math.max(0, now - Math.min(...imports.map(madeAt))) / 1000;
    const percent = Math.round(imports.reduce((sum, one) => sum + percentOf(one), 0) / imports.length);
    return { state: 'working', percent, waitSeconds: Math.round(Math.min(60, Math.max(2, age / 4))) };
  }
  const bad = imports.find((one) => !isDone(one.workflow_state));
  if (bad === undefined) return { state: 'ended', how: 'done', details: {} };
  const details = { state: bad.workflow_state };
  return { state: 'ended', how: imports.every(didNothing) ? 'refused' : 'cut-off', details };
}

const percentOf = (one: SisImport) => (isEnded(one.workflow_state) ? 100 : (one.progress ?? 0));

/** What Canvas complained of, page by page: of what goes, then of the picture. */
export async function* problemsOfPackage(
  session: CanvasSession,
  text: string,
): AsyncGenerator<readonly PackageProblem[]> {
  const { root, picture, removals } = ticketOf(text);
  for (const id of removals === null ? [picture] : [removals, picture]) {
    const one = await importOf(session, root, id);
    const isRemoval = id === removals;
    const isCompared = (one.data?.diffed_against_sis_batch_id ?? one.diffed_against_import_id ?? null) !== null;
    const reading = { isNumberedByUs: !isCompared && !isRemoval, isRemoval };
    const path = `${importsPath(root)}/${encodeURIComponent(id)}/errors`;
    const scope = 'url:GET|/api/v1/accounts/:account_id/sis_imports/:id/errors';
    let query: string | null | undefined = `per_page=${pageSize}`;
    while (typeof query === 'string') {
      const page: Awaited<ReturnType<typeof getPage>> = await getPage(session, path, query, scope, createDeviations());
      const parsed = sisErrorsSchema.safeParse(page.json);
      if (!parsed.success) throw unreadable();
      yield parsed.data.sis_import_errors.flatMap((error) => {
        const problem = problemOf(error, reading);
        return problem === null ? [] : [problem];
      });
      query = page.next;
    }
  }
}

/** Files that make an import one of a SIS; groups or terms alone are nobody's roster. */
const ofRoster = new Set(['user', 'course', 'section', 'enrollment']);

/** Another SIS import that fed this Canvas within a school year, and was not undone. */
export async function detectForeignImport(
  session: CanvasSession,
  { dataSet, marks }: { readonly dataSet: string; readonly marks: readonly string[] },
): Promise<ForeignImport | null> {
  const root = await rootAccount(session, createDeviations());
  const ours = new Set<string | number>([dataSet, ...marks.map(removalsOf), ...marks.map(numberOf)]);
  const since = new Date(session.clock.now().getTime() - foreignWithinMs);
  for await (const one of importsSince(session, root, since)) {
    if (ours.has(one.diffing_data_set_identifier ?? '') || ours.has(one.diff_row_count_threshold ?? '')) continue;
    if (['aborted', 'failed', 'restored'].includes(one.workflow_state)) continue;
    const supplied = one.data?.supplied_batches ?? null;
    // Before it has begun nobody knows what is in it.
    if (supplied !== null && !supplied.some((kind) => ofRoster.has(kind))) continue;
    return { by: one.diffing_data_set_identifier ?? 'SIS import', lastAt: one.created_at ?? null };
  }
  return null;
}
