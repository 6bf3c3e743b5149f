import type { z } from 'zod';
import type { Scope, Tx } from '#db/client.ts';
import { type Access, authorise, type Party } from './access.ts';
import { type AuditEntry, appendAudit } from './audit.ts';
import type { Context } from './context.ts';
import { explainDatabaseRefusal } from './database-refusal.ts';
import { CrosswalkError } from './errors.ts';
import type { EventData, EventName } from './events.ts';
import { emit } from './outbox.ts';

/** What a verb says for the audit chain; who and when are added from the context. */
export type AuditNote = Pick<AuditEntry, 'action' | 'subjectKind' | 'subjectId'> & {
  details?: AuditEntry['details'];
  /** Where it is not the chain of the transaction's school (or the operator's where there is none). */
  chain?: AuditEntry['chain'];
};

/** One transaction of a verb: the rows in scope, its audit notes, its events. All of it happens or none. */
export interface Work {
  readonly ctx: Context;
  readonly tx: Tx;
  /** Written at the end of the transaction, the chain's head locked last. */
  audit(note: AuditNote): void;
  emit<N extends EventName>(name: N, data: EventData<N>): Promise<void>;
}

interface Common<I extends z.ZodType> {
  /** `feature.verb-in-words`, the name in logs and in the enumeration of refusals. */
  readonly name: string;
  /** A query changes nothing and owes no audit row; a command owes at least one. */
  readonly kind: 'query' | 'command';
  readonly access: readonly Access[];
  readonly input: I;
  /** For the rare command whose refusal or repetition is no event (signing out twice); says why. */
  readonly unaudited?: string;
}

export interface VerbArguments<I> {
  readonly ctx: Context;
  readonly input: I;
  readonly party: Party;
}

export interface Verb<I extends z.ZodType = z.ZodType, O = unknown> {
  (call: { ctx: Context; input: z.input<I> }): Promise<O>;
  /** The same for a border: what came is unknown until the verb has parsed it. */
  fromWire(call: { ctx: Context; raw: unknown }): Promise<O>;
  readonly verb: Omit<Common<I>, 'input'>;
  readonly input: I;
}

/**
 * A verb in one transaction: authorise, parse, transact, audit, return. The transaction's scope is the input's
 * `schoolId` and, where the caller came in as an agent, the input's `agentId`.
 */
export function defineVerb<I extends z.ZodType, O>(
  definition: Common<I> & { readonly run: (call: VerbArguments<z.output<I>> & Work) => Promise<O> },
): Verb<I, O> {
  return defineLongVerb({
    ...definition,
    run: (call) => call.transact((work) => definition.run({ ...call, ...work })),
  });
}

export type Transact = <T>(work: (work: Work) => Promise<T>, scope?: Scope) => Promise<T>;

/** A verb that also waits for the world outside: it opens its transactions itself and holds none across a fetch. */
export function defineLongVerb<I extends z.ZodType, O>(
  definition: Common<I> & {
    readonly run: (call: VerbArguments<z.output<I>> & { readonly transact: Transact }) => Promise<O>;
  },
): Verb<I, O> {
  const { name, kind, access, input: schema, unaudited } = definition;
  const fromWire = async ({ ctx, raw }: { ctx: Context; raw: unknown }): Promise<O> => {
    const party = await authorise(ctx, access, raw);
    const parsed = schema.safeParse(raw);
    if (!parsed.success) {
      throw invalidInput(parsed.error);
    }
    let audited = 0;
    const transact: Transact = (work, scope) =>
      runWork(
        ctx,
        scope ?? { schoolId: party.schoolId, agentId: party.as === 'agent' ? party.agentId : null },
        work,
        (n) => {
          audited += n;
        },
      );
    const result = await definition.run({ ctx, input: parsed.data, party, transact });
    if (kind === 'command' && audited === 0 && unaudited === undefined) {
      throw new CrosswalkError('internal', { details: { verb: name, problem: 'command-without-audit' } });
    }
    return result;
  };
  const call = ({ ctx, input }: { ctx: Context; input: z.input<I> }) => fromWire({ ctx, raw: input });
  return Object.assign(call, { fromWire, verb: { name, kind, access, unaudited }, input: schema });
}

/** Input that its schema refused, with the fields that a form marks. Never what stood in them. */
export function invalidInput(error: z.ZodError): CrosswalkError {
  return new CrosswalkError('invalid-input', {
    details: { fields: [...new Set(error.issues.map((issue) => issue.path.join('.')))] },
    cause: error,
  });
}

/** A transaction with audit and events for code that is no verb (a job's step); same guarantees. */
export async function runWork<T>(
  ctx: Context,
  scope: Scope,
  work: (work: Work) => Promise<T>,
  counted: (audited: number) => void = () => undefined,
): Promise<T> {
  const notes: AuditNote[] = [];
  const transaction = ctx.database.inScope(scope, async (tx) => {
    const value = await work({
      ctx,
      tx,
      audit: (note) => {
        notes.push(note);
      },
      emit: async (name, data) => {
        await emit(tx, name, data, { schoolId: scope.schoolId ?? null });
      },
    });
    if (notes.length > 0) {
      const at = ctx.clock.now();
      await appendAudit(
        tx,
        notes.map((note) => ({
          chain: note.chain ?? scope.schoolId ?? 'operator',
          action: note.action,
          subjectKind: note.subjectKind,
          subjectId: note.subjectId,
          details: note.details ?? {},
          actor: ctx.actor,
          at,
        })),
      );
    }
    return value;
  });
  const result = await transaction.catch((error: unknown) => {
    throw explainDatabaseRefusal(error);
  });
  counted(notes.length);
  return result;
}
