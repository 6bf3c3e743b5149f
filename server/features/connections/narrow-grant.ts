import { z } from 'zod';
import { scopes } from '#db/schema/vocabulary.ts';
import { userIdOf } from '#server/features/systems/system-party.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { requestRun } from '#server/roster/request-run.ts';
import { replaceGrant } from './give-grant.ts';
import { lockConnection } from './load-rows.ts';
import { purgeUngranted } from './purge-ungranted.ts';
import { assertSites } from './sites-of-school.ts';
import { readSituation } from './situation.ts';
import { assertMaySteer, steeringRoles } from './steering-party.ts';

/**
 * Releases less than before: fewer scopes, fewer sites, an earlier end. Needs nobody else's word; what is no longer
 * released is purged at once. More is asked for by a new request.
 * @throws CrosswalkError `grant-not-live`, `invalid-input` for what would not be less
 */
export const narrowGrant = defineVerb({
  name: 'connections.narrow',
  kind: 'command',
  access: [{ school: steeringRoles }],
  input: z.object({
    schoolId: idSchema,
    connectionId: idSchema,
    /** All that stays released. */
    scopes: z.array(z.enum(scopes)).min(1).optional(),
    sites: z.array(idSchema).min(1).max(500).optional(),
    until: z.iso.date().optional(),
  }),
  async run(call) {
    const { ctx, tx, audit, emit, party, input } = call;
    const { schoolId, connectionId } = input;
    const locked = await lockConnection(tx, schoolId, connectionId);
    assertMaySteer(party, locked.system.id);
    const { grant, approvedRequest } = await readSituation(tx, locked);
    const userId = userIdOf(ctx);
    if (grant === null || approvedRequest === null || userId === null) throw new CrosswalkError('grant-not-live');
    await assertSites(tx, schoolId, input.sites ?? []);
    const kept = input.scopes ?? grant.scopes;
    const sites = input.sites ?? grant.sharingRule.sites;
    const until = input.until ?? grant.validUntil;
    const wider = [
      ...(kept.every((scope) => grant.scopes.includes(scope)) ? [] : ['scopes']),
      ...(isWithin(sites, grant.sharingRule.sites) ? [] : ['sites']),
      ...(until <= grant.validUntil ? [] : ['until']),
    ];
    if (wider.length > 0) throw new CrosswalkError('invalid-input', { details: { fields: wider } });
    const grantId = await replaceGrant(
      call,
      approvedRequest,
      grant,
      {
        scopes: kept,
        sharingRule: { ...grant.sharingRule, sites },
        withoutFields: grant.withoutFields,
        validUntil: until,
        grantedBy: userId,
      },
      'narrowed',
    );
    audit({
      action: 'grant.narrowed',
      subjectKind: 'connection',
      subjectId: connectionId,
      details: { grantId, replaced: grant.id, scopes: kept, sites, until },
    });
    await emit('connection/changed', { schoolId, connectionId });
    await purgeUngranted(call, locked.system, 'grants-narrowed');
    if (locked.connection.state === 'live' || locked.connection.state === 'failing') {
      await requestRun(call, { schoolId, systemId: locked.system.id, trigger: 'amended', requestedBy: userId });
    }
    return { grantId };
  },
});

/** No sites is all sites. */
function isWithin(sites: readonly string[], before: readonly string[]): boolean {
  return before.length === 0 || (sites.length > 0 && sites.every((site) => before.includes(site)));
}
