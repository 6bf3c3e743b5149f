import { and, eq, inArray, isNull, or } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { appUser, membership } from '#db/schema/index.ts';
import type { Role } from '#db/schema/vocabulary.ts';
import { enqueueMail } from '#server/features/mail/enqueue-mail.ts';
import type { MailParameters, MailTemplate } from '#server/features/mail/templates.ts';
import { operatorsToTell } from '#server/features/schools/operators-to-tell.ts';
import type { Work } from '#server/kernel/verb.ts';
import type { AgreementRow } from './agreement-row.ts';

export interface Recipient {
  readonly email: string;
  readonly name: string;
  readonly locale: string;
}

const recipient = { email: appUser.email, name: appUser.name, locale: appUser.locale };

/** The people of an organisation who hold one of these roles, each once. For a school in its scope. */
export async function peopleWithRole(tx: Tx, organisationId: string, roles: readonly Role[]): Promise<Recipient[]> {
  return tx
    .selectDistinct(recipient)
    .from(membership)
    .innerJoin(appUser, eq(appUser.id, membership.userId))
    .where(
      and(
        eq(membership.organisationId, organisationId),
        inArray(membership.role, [...roles]),
        isNull(membership.endedAt),
        isNull(appUser.disabledAt),
      ),
    );
}

/** The signatories of a school, or, where it has none, its administrators. */
export async function signatoriesOf(tx: Tx, schoolId: string): Promise<Recipient[]> {
  const signatories = await peopleWithRole(tx, schoolId, ['signatory']);
  return signatories.length > 0 ? signatories : peopleWithRole(tx, schoolId, ['school-administrator']);
}

/** Whoever drew the agreement up, if he still belongs to the agent, and the agent's administrators; the operator for his own. */
export async function drawersOf(tx: Tx, row: AgreementRow): Promise<Recipient[]> {
  if (row.agentId === null) return operatorsToTell(tx);
  return tx
    .selectDistinct(recipient)
    .from(membership)
    .innerJoin(appUser, eq(appUser.id, membership.userId))
    .where(
      and(
        eq(membership.organisationId, row.agentId),
        or(eq(membership.role, 'agent-administrator'), eq(membership.userId, row.draftedBy)),
        isNull(membership.endedAt),
        isNull(appUser.disabledAt),
      ),
    );
}

/** One mail to each. `schoolId` where they read it as the school. */
export async function mailTo<T extends MailTemplate>(
  work: Work,
  to: readonly Recipient[],
  mail: { template: T; schoolId: string | null; parameters: MailParameters<T> },
): Promise<void> {
  for (const { email, name, locale } of to) await enqueueMail(work, { ...mail, to: { email, name }, locale });
}

/** Where the school reads an agreement. */
export const schoolsUrl = (work: Work, row: Pick<AgreementRow, 'id' | 'schoolId'>) =>
  `${work.ctx.baseUrl}/school/${row.schoolId}/agreements/${row.id}`;

/** Where the agent sees it, or, for the operator's own, the operator. */
export const drawersUrl = (work: Work, row: Pick<AgreementRow, 'id' | 'schoolId' | 'agentId'>) =>
  row.agentId === null
    ? `${work.ctx.baseUrl}/operator/agreements`
    : `${work.ctx.baseUrl}/agent/${row.agentId}/schools/${row.schoolId}`;
