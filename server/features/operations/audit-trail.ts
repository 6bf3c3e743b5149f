import { and, desc, eq, lt } from 'drizzle-orm';
import { z } from 'zod';
import { auditEntry } from '#db/schema/index.ts';
import { operatorChainId, toHex } from '#server/kernel/audit-entry.ts';
import { verifyChain } from '#server/kernel/audit-verify.ts';
import { loadEnvironment } from '#server/kernel/env.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { loadSignedHeads } from '#server/kernel/signed-heads.ts';
import { defineLongVerb, defineVerb } from '#server/kernel/verb.ts';

const perPage = 100;

/** The operator's own chain, the newest entry first. A school's entries are the school's to read. */
export const auditTrail = defineVerb({
  name: 'operations.audit-trail',
  kind: 'query',
  access: [{ operator: true }],
  input: z.object({ beforeSeq: z.number().int().positive().optional() }),
  run: async ({ tx, input }) => {
    const rows = await tx
      .select()
      .from(auditEntry)
      .where(
        and(
          eq(auditEntry.chainId, operatorChainId),
          input.beforeSeq === undefined ? undefined : lt(auditEntry.seq, input.beforeSeq),
        ),
      )
      .orderBy(desc(auditEntry.seq))
      .limit(perPage + 1);
    return {
      entries: rows.slice(0, perPage).map((row) => ({
        id: row.id,
        seq: row.seq,
        at: row.at,
        actorKind: row.actorKind,
        actorName: row.actorName,
        action: row.action,
        subjectKind: row.subjectKind,
        subjectId: row.subjectId,
        details: row.details,
        hash: toHex(row.hash),
      })),
      more: rows.length > perPage,
    };
  },
});

/**
 * Walks a whole chain and says whether it is sound, or which row is the first that is not: the operator's own, or a
 * school's. Of a school's chain nothing is shown but this verdict.
 */
export const verifyAuditTrail = defineLongVerb({
  name: 'operations.verify-audit-trail',
  kind: 'query',
  access: [{ operator: true }],
  input: z.object({ schoolId: idSchema.optional() }),
  run: async ({ input, transact }) => {
    const heads = await loadSignedHeads(loadEnvironment());
    const schoolId = input.schoolId ?? null;
    const chain = schoolId ?? 'operator';
    const verdict = await transact(({ tx }) => verifyChain(tx, chain, heads), { schoolId });
    const signed = heads.byChain.get(schoolId ?? operatorChainId) ?? [];
    const facts = { signedHeads: signed.length, badHeadLines: heads.badLines.length };
    if (verdict.ok)
      return { ok: true as const, entries: verdict.entries, seq: verdict.seq, hash: toHex(verdict.hash), ...facts };
    return { ok: false as const, firstBad: verdict.firstBad, ...facts };
  },
});
