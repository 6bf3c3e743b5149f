import { z } from 'zod';
import { createDeviations, type DeviationKey, type Deviations } from '#server/connectors/exchange/deviations.ts';
import { CrosswalkError, isCrosswalkError } from '#server/kernel/errors.ts';
import { cursorSchema, type OneRosterSession, readFirst, readPages } from './client.ts';
import { changedSince, ignoresMoment, longAgo } from './delta.ts';
import type { Plan, Question } from './questions.ts';

const stateSchema = z.object({
  plan: z.int().min(0),
  part: z.int().min(0),
  /** The worst end of the parts before. */
  end: z.enum(['said', 'assumed', 'doubtful']),
  /** Totals of the parts before; null where one was not told. */
  total: z.int().min(0).nullable(),
  /** A delta is asked for by the day. */
  byDay: z.boolean(),
  at: cursorSchema.nullable(),
});
type State = z.infer<typeof stateSchema>;
type End = State['end'];

/** A page of a collection, whatever part of it, in the cursor of the whole. */
export interface CollectionPage {
  readonly question: Question;
  readonly rows: readonly unknown[];
  readonly total: number | null;
  readonly cursor: string | null;
  readonly end: End | null;
  readonly deviations: readonly DeviationKey[];
}

const beginning: State = { plan: 0, part: 0, end: 'said', total: 0, byDay: false, at: null };

const ends: readonly End[] = ['said', 'assumed', 'doubtful'];
const worse = (one: End, other: End): End => (ends.indexOf(one) > ends.indexOf(other) ? one : other);
const sum = (one: number | null, other: number | null) => (one === null || other === null ? null : one + other);

/**
 * Reads a collection by the first plan that the system does not refuse, part after part. With `since` only what was modified at or
 * after it; a system that does not do so is found out, and the fetch ends at once in doubt with a deviation that says it.
 * @throws CrosswalkError whatever a call throws
 */
export async function* readCollection(
  session: OneRosterSession,
  plans: readonly Plan[],
  cursor: string | null,
  since: Date | null,
): AsyncGenerator<CollectionPage> {
  let state: State = cursor === null ? { ...beginning } : stateOf(cursor);
  const carried = createDeviations();
  for (;;) {
    const plan = plans[state.plan];
    const question = plan?.[state.part];
    if (plan === undefined || question === undefined) throw unreadableCursor();
    const isLastPart = state.part === plan.length - 1;
    const asked = {
      path: question.path,
      filter: changedSince(question.filter, since, state.byDay),
      isPart: plan.length > 1,
    };
    let isFirst = state.at === null;
    let next: State | null = null;
    try {
      for await (const page of readPages(session, asked, state.at)) {
        const total = sum(state.total, page.total);
        const noDelta = since === null ? null : await doubtOf(session, question, page, isFirst, since, state.byDay);
        if (noDelta !== null) {
          yield { question, rows: [], total: null, cursor: null, end: 'doubtful', deviations: [noDelta] };
          return;
        }
        isFirst = false;
        if (state.byDay) carried.note('delta-filter-by-day');
        const end = page.end === null ? null : worse(state.end, page.end);
        const goesOn = page.next !== null || !isLastPart;
        next =
          page.next === null
            ? { ...state, part: state.part + 1, end: end ?? state.end, total, at: null }
            : { ...state, at: page.next };
        yield {
          question,
          rows: page.rows,
          total,
          cursor: goesOn ? JSON.stringify(next) : null,
          end: goesOn ? null : end,
          deviations: [...new Set([...carried.list(), ...page.deviations.list()])],
        };
        if (!goesOn) return;
      }
    } catch (error) {
      const status = isFirst && isCrosswalkError(error) ? refusalOf(error) : null;
      if (status === null) throw error;
      if (since !== null && !state.byDay && status !== 404 && status !== 405) {
        // OneRoster 1.0 compares days; some of its servers refuse a time behind them.
        next = { ...state, byDay: true };
      } else if (state.part > 0) {
        // One word of several is not known over there: nobody bears it.
        carried.note('role-filter-refused');
        next = { ...state, part: state.part + 1 };
        if (isLastPart) {
          yield { question, rows: [], total: state.total, cursor: null, end: state.end, deviations: carried.list() };
          return;
        }
      } else if (state.plan < plans.length - 1) {
        carried.note(question.filter === null ? 'role-endpoint-missing' : 'role-filter-refused');
        next = { ...state, plan: state.plan + 1, byDay: false };
      } else if (since !== null && status !== 404 && status !== 405) {
        const deviations: readonly DeviationKey[] = ['delta-filter-refused'];
        yield { question, rows: [], total: null, cursor: null, end: 'doubtful', deviations };
        return;
      } else throw error;
    }
    if (next === null) throw new CrosswalkError('internal', { details: { problem: 'fetch-without-page' } });
    state = next;
  }
}

function stateOf(cursor: string): State {
  const parsed = stateSchema.safeParse(JSON.parse(cursor));
  if (!parsed.success) throw unreadableCursor();
  return parsed.data;
}

const unreadableCursor = () => new CrosswalkError('internal', { details: { problem: 'cursor-unreadable' } });

/** The status by which a server says that it has no such list or takes no such filter; null for every other failure. */
function refusalOf({ details }: CrosswalkError): number | null {
  const { status } = details;
  return typeof status === 'number' && [400, 404, 405, 422, 501].includes(status) ? status : null;
}

/** Why what came cannot be taken for the changes since a moment; null where it can. */
async function doubtOf(
  session: OneRosterSession,
  { path, filter }: Question,
  page: { readonly rows: readonly unknown[] },
  isFirst: boolean,
  since: Date,
  byDay: boolean,
): Promise<DeviationKey | null> {
  const ignored = ignoresMoment(page.rows, since);
  if (ignored !== null || page.rows.length > 0 || !isFirst) return ignored;
  // Nothing has changed, or the server finds nothing by a field that it does not know: what changed since ever must then be there,
  // if anything is at all.
  const deviations = createDeviations();
  const ever = await readFirst(session, { path, filter: changedSince(filter, longAgo, byDay) }, 1, deviations);
  if (ever.rows.length > 0) return null;
  const all = await readFirst(session, { path, filter }, 1, deviations);
  return all.rows.length > 0 ? 'delta-filter-blind' : null;
}

/** What the first page of each part shows. */
export interface Glance {
  readonly rows: readonly { readonly question: Question; readonly row: unknown }[];
  /** Null where it cannot be told without reading on. */
  readonly count: number | null;
  /** Of several parts, some may be counted twice; of a list that is cut afterwards, others are counted too. */
  readonly isExact: boolean;
  readonly deviations: Deviations;
}

/**
 * The first records of a collection, for a proof or a preview, by the first plan that is not refused.
 * @throws CrosswalkError whatever a call throws
 */
export async function glance(session: OneRosterSession, plans: readonly Plan[], limit: number): Promise<Glance> {
  const deviations = createDeviations();
  for (const [at, plan] of plans.entries()) {
    try {
      return await glanceAt(session, plan, limit, deviations);
    } catch (error) {
      const isRefused = isCrosswalkError(error) && refusalOf(error) !== null;
      if (!isRefused || at === plans.length - 1) throw error;
    }
  }
  throw new CrosswalkError('internal', { details: { problem: 'no-plan' } });
}

async function glanceAt(session: OneRosterSession, plan: Plan, limit: number, deviations: Deviations): Promise<Glance> {
  const rows: { question: Question; row: unknown }[] = [];
  let count: number | null = 0;
  let parts = 0;
  let isExact = true;
  for (const question of plan) {
    const batch = await readFirst(session, question, limit, deviations);
    rows.push(...batch.rows.map((row) => ({ question, row })));
    if (batch.rows.length > 0) parts += 1;
    // A total of exactly what was asked for may be the size of the page.
    const isKnown = batch.rows.length < limit || batch.next === null || (batch.total !== null && batch.total !== limit);
    const isCut = question.wanted.roles.length > 0 && question.wanted.askedFor === null;
    isExact &&= !isCut;
    // Of all users the few that are wanted are not even an estimate.
    count = sum(count, isKnown && !(isCut && question.path === 'users') ? (batch.total ?? batch.rows.length) : null);
  }
  return { rows, count, isExact: isExact && parts <= 1, deviations };
}
