import { and, eq, inArray, ne } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { agreement } from '#db/schema/index.ts';
import { agreementStatesInForce } from '#db/schema/vocabulary.ts';
import type { Work } from '#server/kernel/verb.ts';
import type { AgreementRow } from './agreement-row.ts';
import { drawersOf, drawersUrl, mailTo, peopleWithRole, schoolsUrl } from './mail-about-agreement.ts';
import { onAgreementInForce } from './ports.ts';

/** The agreements of a school that are in force, besides one. */
export async function othersInForce(tx: Tx, row: Pick<AgreementRow, 'id' | 'schoolId'>): Promise<AgreementRow[]> {
  return tx
    .select()
    .from(agreement)
    .where(
      and(
        eq(agreement.schoolId, row.schoolId),
        ne(agreement.id, row.id),
        inArray(agreement.state, [...agreementStatesInForce]),
      ),
    );
}

/** Puts a countersigned agreement in force: from now on connections can be asked for. The caller has judged the act. */
export async function putInForce(work: Work, row: AgreementRow, schoolName: string): Promise<void> {
  const { ctx, tx, audit } = work;
  await tx
    .update(agreement)
    .set({ state: 'in-force', inForceAt: ctx.clock.now(), endsOn: row.termEnd })
    .where(eq(agreement.id, row.id));
  audit({
    action: 'agreements.in-force',
    subjectKind: 'agreement',
    subjectId: row.id,
    details: { endsOn: row.termEnd, agentId: row.agentId },
  });
  await onAgreementInForce({ work, schoolId: row.schoolId, agreementId: row.id, graceEndsOn: null });
  const mail = { template: 'agreement-in-force' } as const;
  await mailTo(work, await peopleWithRole(tx, row.schoolId, ['signatory', 'school-administrator']), {
    ...mail,
    schoolId: row.schoolId,
    parameters: { organisation: schoolName, endsOn: row.termEnd, url: schoolsUrl(work, row) },
  });
  if (row.agentId !== null) {
    await mailTo(work, await drawersOf(tx, row), {
      ...mail,
      schoolId: null,
      parameters: { organisation: schoolName, endsOn: row.termEnd, url: drawersUrl(work, row) },
    });
  }
}
