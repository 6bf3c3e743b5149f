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
import { assertNarrowing, narrowingFields } from './sharing-rule.ts';
import { readSituation } from './situation.ts';
import { assertMaySteer, steeringRoles } from './steering-party.ts';

/**
 * Releases less than before: fewer scopes or fields, fewer sites, streams, subjects or groups, an earlier end. Needs nobody else's word; what is no longer
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
    sites: narrowingFields.sites.min(1).optional(),
    streams: narrowingFields.streams.min(1).optional(),
    subjects: narrowingFields.subjects.min(1).optional(),
    groups: narrowingFields.groups.min(1).optional(),
    /** All that is left out from now on, `scope:field`. */
    withoutFields: narrowingFields.withoutFields.optional(),
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
    const kept = input.scopes ?? grant.scopes;
    const rule = {
      sites: input.sites ?? grant.sharingRule.sites,
      streams: input.streams ?? grant.sharingRule.streams,
      subjects: input.subjects ?? grant.sharingRule.subjects,
      groups: input.groups ?? grant.sharingRule.groups,
    };
    const withoutFields = input.withoutFields ?? grant.withoutFields;
    const until = input.until ?? grant.validUntil;
    const wider = [
      ...(kept.every((scope) => grant.scopes.includes(scope)) ? [] : ['scopes']),
      ...(['sites', 'streams', 'subjects', 'groups'] as const).filter(
        (direction) => !isWithin(rule[direction], grant.sharingRule[direction]),
      ),
      ...(grant.withoutFields.every((field) => withoutFields.includes(field)) ? [] : ['withoutFields']),
      ...(until <= grant.validUntil ? [] : ['until']),
    ];
    if (wider.length > 0) throw new CrosswalkError('invalid-input', { details: { fields: wider } });
    const named = {
      sites: input.sites ?? [],
      streams: input.streams ?? [],
      subjects: input.subjects ?? [],
      groups: input.groups ?? [],
    };
    await assertNarrowing(tx, locked.system, kept, { rule: named, withoutFields: input.withoutFields ?? [] });
    const grantId = await replaceGrant(
      call,
      approvedRequest,
      grant,
      {
        scopes: kept,
        sharingRule: rule,
        withoutFields,
        validUntil: until,
        grantedBy: userId,
      },
      'narrowed',
    );
    audit({
      action: 'grant.narrowed',
      subjectKind: 'connection',
      subjectId: connectionId,
      details: { grantId, replaced: grant.id, scopes: kept, ...rule, withoutFields, until },
    });
    await emit('connection/changed', { schoolId, connectionId });
    await purgeUngranted(call, locked.system, 'grants-narrowed');
    if (locked.connection.state === 'live' || locked.connection.state === 'failing') {
      await requestRun(call, { schoolId, systemId: locked.system.id, trigger: 'amended', requestedBy: userId });
    }
    return { grantId };
  },
});

/** None named is all. */
function isWithin(now: readonly string[], before: readonly string[]): boolean {
  return before.length === 0 || (now.length > 0 && now.every((one) => before.includes(one)));
}
