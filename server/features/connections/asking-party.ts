import { and, desc, eq, inArray } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { agreement, organisation, type RequestedScope } from '#db/schema/index.ts';
import { agreementStatesInForce, type SystemKind, scopes } from '#db/schema/vocabulary.ts';
import type { Access, Party } from '#server/kernel/access.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { addDays, localDate } from '#server/kernel/local-date.ts';
import type { RequestRow, SchoolRow } from './load-rows.ts';

/** Who may draft a request (DESIGN.md §2, "who asks"). */
export const askers = [
  { school: ['school-administrator'] },
  { agent: ['agent', 'agent-administrator'], serves: 'agreement' },
  { operator: true },
] as const satisfies Access[];

/** What is asked, as every form of it gives it. */
export const questionFields = {
  scopes: z.array(z.object({ scope: z.enum(scopes), required: z.boolean().default(true) })).max(scopes.length),
  purpose: z.string().trim().min(3).max(1000),
  until: z.iso.date().optional(),
};

export type AskedAs = RequestRow['draftedAs'];

export function askedAs(party: Party): AskedAs {
  if (party.as === 'school' || party.as === 'agent' || party.as === 'operator') return party.as;
  throw new CrosswalkError('forbidden');
}

/** The agreement under which is asked: an agent asks under its own. @throws `agreement-not-in-force` */
export async function agreementToAskUnder(tx: Tx, schoolId: string, party: Party): Promise<string> {
  const [row] = await tx
    .select({ id: agreement.id })
    .from(agreement)
    .where(
      and(
        eq(agreement.schoolId, schoolId),
        inArray(agreement.state, [...agreementStatesInForce]),
        party.as === 'agent' && party.agentId !== null ? eq(agreement.agentId, party.agentId) : undefined,
      ),
    )
    .orderBy(desc(agreement.inForceAt))
    .limit(1);
  if (row === undefined) throw new CrosswalkError('agreement-not-in-force');
  return row.id;
}

/** Whether whoever came in stands on the side that drafted the request; another agent learns nothing of it. */
export function assertOwnRequest(party: Party, row: RequestRow): void {
  if (row.draftedAs !== party.as || (row.draftedAs === 'agent' && row.agentId !== party.agentId)) {
    throw new CrosswalkError('not-found');
  }
}

/** To a SIS only an agent *administrator* sends (DESIGN.md §2). @throws `forbidden` */
export function assertMaySend(party: Party, producer: SystemKind): void {
  const mayNot =
    party.as === 'agent' && producer === 'sis' && !party.memberships.some((m) => m.role === 'agent-administrator');
  if (mayNot) throw new CrosswalkError('forbidden', { details: { needs: 'agent-administrator' } });
}

/** @throws `invalid-input` where the term is over already or longer than five years */
export function assertTerm(until: string, school: SchoolRow, now: Date): void {
  const today = localDate(now, school.timeZone);
  if (until <= today || until > addDays(today, 5 * 366)) {
    throw new CrosswalkError('invalid-input', { details: { fields: ['until'] } });
  }
}

/** The name of the body that asks, for the consent that is kept. */
export async function askersOrganisation(tx: Tx, party: Party, school: SchoolRow): Promise<string> {
  if (party.as === 'school') return school.name;
  const id = party.agentId ?? party.memberships[0]?.organisationId;
  if (id === undefined) return school.name;
  const [row] = await tx.select({ name: organisation.name }).from(organisation).where(eq(organisation.id, id));
  return row?.name ?? '';
}

export const storedScopes = (asked: readonly RequestedScope[]): RequestedScope[] =>
  asked.map(({ scope, required }) => ({ scope, required }));
