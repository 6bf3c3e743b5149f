import { and, desc, eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import { agreement, organisation, receipt } from '#db/schema/index.ts';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { factsOf, isOwnPaper } from './agreement-row.ts';
import { agentMayCountersign } from './ask-for-countersignature.ts';
import { schoolInScope } from './school-facts.ts';
import { turnOf } from './state-machine.ts';

/** The agreements of a school, the newest first. An agent gets its own, drafts included; everybody else what was sent. */
export const listAgreements = defineVerb({
  name: 'agreements.list',
  kind: 'query',
  access: [
    { school: schoolRoles },
    { agent: ['agent', 'agent-administrator'], serves: 'prospect' },
    { operator: true },
  ],
  input: z.object({ schoolId: idSchema, agentId: idSchema.optional() }),
  run: async ({ tx, input, party }) => {
    const asAgent = party.as === 'agent' ? party.agentId : null;
    const rows = await tx
      .select({ agreement, agentName: organisation.name })
      .from(agreement)
      .leftJoin(organisation, eq(organisation.id, agreement.agentId))
      .where(and(eq(agreement.schoolId, input.schoolId), asAgent === null ? undefined : eq(agreement.agentId, asAgent)))
      .orderBy(desc(agreement.createdAt));
    const shown = rows.filter((row) => asAgent !== null || !isOwnPaper(row.agreement));
    const agreements = await Promise.all(
      shown.map(async ({ agreement: row, agentName }) => ({
        id: row.id,
        agentId: row.agentId,
        agentName,
        state: row.state,
        turn: turnOf({ ...factsOf(row), agentMayCountersign: await agentMayCountersign(tx, row.agentId) }),
        paperWaits: factsOf(row).paperWaits,
        countersigned: factsOf(row).countersigned,
        products: row.products,
        termStart: row.termStart,
        termEnd: row.termEnd,
        endsOn: row.endsOn ?? row.termEnd,
        sentAt: row.sentAt,
        signedAt: row.signedAt,
        inForceAt: row.inForceAt,
        createdAt: row.createdAt,
      })),
    );
    if (asAgent !== null) return { agreements, receipts: [], trust: null, standardAvailable: false };
    const school = await schoolInScope(tx, input.schoolId);
    const receipts = await tx
      .select({
        id: receipt.id,
        subjectId: receipt.subjectId,
        facts: receipt.facts,
        reason: receipt.reason,
        at: receipt.at,
      })
      .from(receipt)
      .where(and(eq(receipt.schoolId, input.schoolId), eq(receipt.kind, 'agreement-ended')))
      .orderBy(desc(receipt.at));
    const [standard] = z
      .array(z.object({ there: z.boolean() }))
      .parse(
        await tx.execute(
          sql`select exists (select 1 from agreement_template where agent_id is null and standard_since is not null and retired_at is null) as there`,
        ),
      );
    const ownOpen = agreements.some(
      (row) => row.agentId === null && ['sent', 'signed', 'in-force', 'notice-given'].includes(row.state),
    );
    return { agreements, receipts, trust: school.trust, standardAvailable: standard?.there === true && !ownOpen };
  },
});
