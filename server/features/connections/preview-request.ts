import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { preview, request } from '#db/schema/index.ts';
import { isScope, peopleScopes, type Scope } from '#db/schema/vocabulary.ts';
import { userIdOf } from '#server/features/systems/system-party.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema, newId } from '#server/kernel/ids.ts';
import { defineLongVerb } from '#server/kernel/verb.ts';
import { approverReach } from './approver-limits.ts';
import { askableOn } from './askable-scopes.ts';
import { lockRequest } from './load-rows.ts';
import { provedScopes } from './read-proof.ts';
import { readSituation } from './situation.ts';
import { withOpened } from './use-credential.ts';

const maxSample = 5;
const isOfPeople = (scope: Scope) => peopleScopes.some((one) => one === scope);

/**
 * The one read without a grant (DESIGN.md §2, "Preview"): begun by the approver, at most five records per collection and
 * the totals, shown to him alone. Records pass through memory; what is kept are the counts.
 * @throws CrosswalkError `credential-not-proved`, `already-decided`, `state-forbids`, and what the system answers
 */
export const previewRequest = defineLongVerb({
  name: 'connections.preview-request',
  kind: 'command',
  access: [{ school: ['approver'] }],
  input: z.object({ schoolId: idSchema, requestId: idSchema }),
  async run({ ctx, party, transact, input: { schoolId, requestId } }) {
    const looked = await transact(async ({ tx }) => {
      const locked = await lockRequest(tx, schoolId, requestId);
      approverReach(party, locked.system.id);
      const { request: row, system } = locked;
      if (row.state !== 'requested' && row.state !== 'approved') {
        throw new CrosswalkError('state-forbids', { details: { state: row.state } });
      }
      const { credential } = await readSituation(tx, locked);
      // What its consumer may never have, nobody previews on an edge either.
      const askable = askableOn(locked.connection, system);
      const proved = provedScopes(credential);
      const scopes = row.scopes
        .map(({ scope }) => scope)
        .filter(isScope)
        .filter((scope) => askable.includes(scope) && (proved.includes(scope) || isOfPeople(scope)));
      // A scope of people is proved by its grant alone; this look is what comes before one.
      if (proved.length === 0 || scopes.length === 0) throw new CrosswalkError('credential-not-proved');
      return { systemId: system.id, scopes };
    });
    const use = { schoolId, systemId: looked.systemId, purpose: 'preview', syncRunId: null } as const;
    const collections = await withOpened(ctx, use, (connector) => connector.preview(looked.scopes));
    const counts = collections.map(({ collection, count, precision }) => ({ collection, count, precision }));
    const at = ctx.clock.now();
    await transact(async ({ tx, audit }) => {
      const byUserId = userIdOf(ctx);
      if (byUserId === null) throw new CrosswalkError('forbidden');
      await tx
        .insert(preview)
        .values({ id: newId(), schoolId, requestId, systemId: looked.systemId, counts, byUserId, at });
      await tx.update(request).set({ previewSkipped: false }).where(eq(request.id, requestId));
      audit({
        action: 'request.previewed',
        subjectKind: 'request',
        subjectId: requestId,
        details: {
          systemId: looked.systemId,
          collections: counts.map(({ collection, count }) => `${collection}: ${count ?? 'unknown'}`),
        },
      });
    });
    return {
      at,
      collections: collections.map((collection) => ({ ...collection, sample: collection.sample.slice(0, maxSample) })),
    };
  },
});
