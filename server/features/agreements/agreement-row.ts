import { and, eq } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { agreement } from '#db/schema/index.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import type { AgreementFacts } from './state-machine.ts';

export type AgreementRow = typeof agreement.$inferSelect;

/** What an agreement is looked up by: its school always, and for an agent his own organisation besides. */
export interface AgreementKey {
  readonly schoolId: string;
  readonly agreementId: string;
  /** Set where an agent asks: another agent's agreement does not exist for him. */
  readonly agentId?: string;
}

/**
 * An agreement of this school, or `not-found`. Without `agentId` (the school and the operator ask) a draft does not
 * exist.
 */
export async function agreementInSchool(
  tx: Tx,
  key: AgreementKey,
  options: { lock?: boolean } = {},
): Promise<AgreementRow> {
  const query = tx
    .select()
    .from(agreement)
    .where(
      and(
        eq(agreement.id, key.agreementId),
        eq(agreement.schoolId, key.schoolId),
        key.agentId === undefined ? undefined : eq(agreement.agentId, key.agentId),
      ),
    );
  const [row] = options.lock === true ? await query.for('no key update') : await query;
  if (row === undefined) throw new CrosswalkError('not-found');
  if (key.agentId === undefined && isOwnPaper(row)) throw new CrosswalkError('not-found');
  return row;
}

/** Never sent: a draft, or one withdrawn as a draft. */
export const isOwnPaper = (row: Pick<AgreementRow, 'state' | 'sentAt'>): boolean =>
  row.state === 'draft' || (row.state === 'withdrawn' && row.sentAt === null);

export function factsOf(row: AgreementRow): AgreementFacts {
  return {
    state: row.state,
    paperWaits: row.state === 'sent' && row.paperEnteredBy !== null && row.paperConfirmedAt === null,
    countersigned: row.countersignedAt !== null,
    graceEnded: row.graceEndedAt !== null,
  };
}

/** The person who acts; an agreement is never moved by a job or a link in a person's name. */
export function personOf(actor: { kind: string; userId?: string; name?: string }): { userId: string; name: string } {
  if (actor.kind !== 'user' || actor.userId === undefined || actor.name === undefined)
    throw new CrosswalkError('forbidden');
  return { userId: actor.userId, name: actor.name };
}
