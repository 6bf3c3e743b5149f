import { eq } from 'drizzle-orm';
import { credential } from '#db/schema/index.ts';
import { pushScopes, scopes } from '#db/schema/vocabulary.ts';
import type { CrosswalkError } from '#server/kernel/errors.ts';
import type { Work } from '#server/kernel/verb.ts';
import { type ConnectionRow, credentialsOf } from '../connections/load-rows.ts';
import { proofOf } from '../connections/read-proof.ts';

/**
 * What an LMS refused during a push is written to its credential, so that no further push is tried before somebody has mended it and tested
 * again. Other failures are none of the credential's.
 */
export async function refuseByPush(
  work: Work,
  { schoolId, consumerSystemId }: Pick<ConnectionRow, 'schoolId' | 'consumerSystemId'>,
  error: CrosswalkError,
  at: Date,
): Promise<void> {
  const { code, details, disposition } = error;
  const lacksRights = code === 'scope-missing' || code === 'rights-missing';
  if (consumerSystemId === null || (!lacksRights && disposition !== 'reconnect')) return;
  const [row] = await credentialsOf(work.tx, schoolId, consumerSystemId);
  if (row === undefined || row.provedAt === null) return;
  const before = proofOf(row);
  const lacked = pushScopes.find((scope) => scope === details.scope) ?? 'lms.roster.write';
  const others = before?.results.filter(({ scope }) => scope !== lacked) ?? [];
  const proof = {
    ok: false,
    results: [...others, { scope: lacked, ok: false, errorCode: code, details }].toSorted(
      (a, b) => scopes.indexOf(a.scope) - scopes.indexOf(b.scope),
    ),
    actsAs: before?.actsAs ?? null,
    about: before?.about ?? {},
    advice: before?.advice ?? [],
  };
  const servesOthers = others.some(({ scope, ok }) => ok && !pushScopes.some((of) => of === scope));
  const refused = { state: 'refused', refusedAt: at, refusedCode: code } as const;
  await work.tx
    .update(credential)
    .set(lacksRights ? { proof, ...(servesOthers ? {} : refused) } : refused)
    .where(eq(credential.id, row.id));
  work.audit({
    action: 'credential.refused',
    subjectKind: 'credential',
    subjectId: row.id,
    details: { systemId: consumerSystemId, by: 'push', code },
  });
}
