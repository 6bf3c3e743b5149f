import { and, desc, eq, isNull, or } from 'drizzle-orm';
import { z } from 'zod';
import { agreementTemplate } from '#db/schema/index.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';

/** The templates that an agent may use (its own and the operator's), or the operator's own. */
export const listTemplates = defineVerb({
  name: 'agreements.list-templates',
  kind: 'query',
  access: [{ agent: ['agent', 'agent-administrator'] }, { operator: true }],
  input: z.object({ agentId: idSchema.optional() }),
  run: async ({ tx, party }) => {
    const asAgent = party.as === 'agent' ? party.agentId : null;
    const rows = await tx
      .select()
      .from(agreementTemplate)
      .where(
        and(
          isNull(agreementTemplate.retiredAt),
          asAgent === null
            ? isNull(agreementTemplate.agentId)
            : or(isNull(agreementTemplate.agentId), eq(agreementTemplate.agentId, asAgent)),
        ),
      )
      .orderBy(desc(agreementTemplate.createdAt));
    const standard = rows
      .filter((row) => row.agentId === null && row.standardSince !== null)
      .toSorted((a, b) => (b.standardSince?.getTime() ?? 0) - (a.standardSince?.getTime() ?? 0))[0];
    return rows.map(({ id, agentId, name, locale, version, body, dataProcessingTerms, createdAt }) => ({
      id,
      own: asAgent === null ? agentId === null : agentId === asAgent,
      ofOperator: agentId === null,
      standard: standard?.id === id,
      name,
      locale,
      version,
      body,
      dataProcessingTerms,
      createdAt,
    }));
  },
});
