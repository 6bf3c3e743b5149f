import { eq } from 'drizzle-orm';
import { installation } from '#db/schema/index.ts';
import { enqueueMail } from '#server/features/mail/enqueue-mail.ts';
import { operatorsToTell } from '#server/features/schools/operators-to-tell.ts';
import type { Context } from '#server/kernel/context.ts';
import type { Environment } from '#server/kernel/env.ts';
import { logger } from '#server/kernel/log.ts';
import { writeSignedHeads } from '#server/kernel/signed-heads.ts';
import { runWork } from '#server/kernel/verb.ts';

/**
 * Signs where every audit chain stands into the file outside the database (DESIGN.md §10 (3)). A chain that does not
 * continue what was signed is not signed again: the log says so at every round, and the operator's people get one mail
 * for each finding.
 */
export async function signAuditHeads(
  ctx: Context,
  env: Pick<Environment, 'masterKeys' | 'auditHeadsFile'>,
): Promise<{ written: number; broken: number; badLines: number }> {
  const { written, broken, badLines } = await writeSignedHeads({ database: ctx.database, env, clock: ctx.clock });
  if (broken.length > 0 || badLines.length > 0)
    logger.error('the audit trail does not verify', { count: broken.length + badLines.length });
  for (const { chain, firstBad } of broken)
    await alarmOnce(ctx, `${chain} ${firstBad.what} ${firstBad.seq}`, chain, firstBad);
  if (badLines.length > 0)
    await alarmOnce(ctx, `heads file ${badLines.length}`, 'heads-file', { what: 'altered', seq: badLines.length });
  return { written, broken: broken.length, badLines: badLines.length };
}

async function alarmOnce(
  ctx: Context,
  finding: string,
  chain: string,
  firstBad: { readonly what: string; readonly seq: number },
): Promise<void> {
  const key = `audit-alarm ${finding}`;
  await runWork(ctx, {}, async (work) => {
    const told = await work.tx.query.installation.findFirst({ where: eq(installation.key, key) });
    if (told !== undefined) return;
    await work.tx.insert(installation).values({ key, value: true, updatedAt: ctx.clock.now() });
    for (const { email, name, locale } of await operatorsToTell(work.tx)) {
      await enqueueMail(work, {
        template: 'audit-broken',
        to: { email, name },
        schoolId: null,
        locale,
        parameters: { chain, what: firstBad.what, row: firstBad.seq, url: `${ctx.baseUrl}/operator/audit` },
      });
    }
    work.audit({
      action: 'operations.audit-broken',
      subjectKind: 'audit-chain',
      subjectId: chain,
      details: { what: firstBad.what, seq: firstBad.seq },
    });
  });
}
