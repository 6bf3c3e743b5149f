import { and, desc, eq, lt } from 'drizzle-orm';
import { z } from 'zod';
import { auditEntry } from '#db/schema/index.ts';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { toHex } from '#server/kernel/audit-entry.ts';
import { exportChain, verifyChain } from '#server/kernel/audit-verify.ts';
import { loadEnvironment } from '#server/kernel/env.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { loadSignedHeads } from '#server/kernel/signed-heads.ts';
import { defineLongVerb, defineVerb } from '#server/kernel/verb.ts';

const perPage = 100;

/** What was decided and done at the school, the newest entry first: every role of the school may read it. */
export const schoolAuditTrail = defineVerb({
  name: 'operations.school-audit-trail',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({ schoolId: idSchema, beforeSeq: z.number().int().positive().optional() }),
  run: async ({ tx, input: { schoolId, beforeSeq } }) => {
    const rows = await tx
      .select()
      .from(auditEntry)
      .where(and(eq(auditEntry.chainId, schoolId), beforeSeq === undefined ? undefined : lt(auditEntry.seq, beforeSeq)))
      .orderBy(desc(auditEntry.seq))
      .limit(perPage + 1);
    const entries = rows.slice(0, perPage).map((row) => ({
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
    }));
    return { entries, next: rows.length > perPage ? (entries.at(-1)?.seq ?? null) : null };
  },
});

/** Walks the school's whole chain and says whether it is sound, or which entry is the first that is not. */
export const verifySchoolAuditTrail = defineLongVerb({
  name: 'operations.verify-school-audit-trail',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({ schoolId: idSchema }),
  run: async ({ ctx, input: { schoolId }, transact }) => {
    const heads = await loadSignedHeads(loadEnvironment());
    const verdict = await transact(({ tx }) => verifyChain(tx, schoolId, heads), { schoolId });
    const at = ctx.clock.now();
    if (!verdict.ok) return { ok: false as const, at, firstBad: verdict.firstBad };
    return { ok: true as const, at, entries: verdict.entries, signedHeads: heads.byChain.get(schoolId)?.length ?? 0 };
  },
});

/** The school's chain as JSON lines that anybody can verify with the public key, without Crosswalk. */
export const exportSchoolAuditTrail = defineLongVerb({
  name: 'operations.export-school-audit-trail',
  kind: 'command',
  access: [{ school: ['school-administrator', 'approver'] }],
  input: z.object({ schoolId: idSchema }),
  run: async ({ ctx, input: { schoolId }, transact }) => {
    const heads = await loadSignedHeads(loadEnvironment());
    const at = ctx.clock.now();
    const lines = await transact(
      async ({ tx, audit }) => {
        const read: string[] = [];
        for await (const line of exportChain(tx, schoolId, { at, signedHeads: heads })) read.push(line);
        audit({
          action: 'audit.exported',
          subjectKind: 'school',
          subjectId: schoolId,
          details: { lines: read.length },
        });
        return read;
      },
      { schoolId },
    );
    return {
      fileName: `audit-${at.toISOString().slice(0, 10)}.jsonl`,
      contentType: 'application/jsonl; charset=utf-8',
      body: lines.join(''),
    };
  },
});
