import { eq } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { organisation } from '#db/schema/index.ts';
import { operatorsToTell } from '#server/features/schools/operators-to-tell.ts';
import type { Work } from '#server/kernel/verb.ts';
import type { AgreementRow } from './agreement-row.ts';
import { drawersOf, drawersUrl, mailTo } from './mail-about-agreement.ts';

/** Whether the agent's administrators may countersign in the operator's name. */
export async function agentMayCountersign(tx: Tx, agentId: string | null): Promise<boolean> {
  if (agentId === null) return false;
  const agent = await tx.query.organisation.findFirst({ where: eq(organisation.id, agentId) });
  return agent?.mayCountersign === true && agent.reviewedAt !== null && agent.suspendedAt === null;
}

/** Tells the drawer that the school has signed, and the operator that he countersigns, where no agent may. */
export async function askForCountersignature(
  work: Work,
  row: AgreementRow,
  names: { school: string; signatory: string },
): Promise<void> {
  const mandated = await agentMayCountersign(work.tx, row.agentId);
  if (row.agentId !== null) {
    await mailTo(work, await drawersOf(work.tx, row), {
      template: 'agreement-signed',
      schoolId: null,
      parameters: { ...names, url: drawersUrl(work, row) },
    });
  }
  if (!mandated) {
    await mailTo(work, await operatorsToTell(work.tx), {
      template: 'agreement-to-countersign',
      schoolId: null,
      parameters: { ...names, url: `${work.ctx.baseUrl}/operator/agreements/${row.schoolId}/${row.id}` },
    });
  }
}
