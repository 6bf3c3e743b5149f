import { createHash } from 'node:crypto';
import { and, eq, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { connection, request } from '#db/schema/index.ts';
import { userIdOf } from '#server/features/systems/system-party.ts';
import { canonicalJson } from '#server/kernel/canonical-json.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema, newId } from '#server/kernel/ids.ts';
import { addDays, daysBetween, localDate } from '#server/kernel/local-date.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { approverReach, assertWithinReach } from './approver-limits.ts';
import { agreementToAskUnder, assertTerm } from './asking-party.ts';
import { replaceGrant } from './give-grant.ts';
import { type GrantRow, lockConnection, schoolRow, systemInSchool } from './load-rows.ts';
import { productOf } from './product-of-system.ts';
import { recordConsent } from './record-consent.ts';
import { readSituation, type Situation } from './situation.ts';
import { defaultUntil } from './term.ts';

/** SHA-256 (hex) over what stays as it is: a renewal changes nothing but the end. */
function fingerprintOfGrant({ connection: row, system }: Situation, grant: GrantRow): string {
  const shown = canonicalJson({
    format: 'crosswalk-renewal-1',
    connection: row.id,
    grant: grant.id,
    scopes: grant.scopes.toSorted(),
    sites: grant.sharingRule.sites.toSorted(),
    purpose: grant.purpose,
    until: grant.validUntil,
    system: { id: system.id, name: system.name, origins: system.origins.toSorted() },
  });
  return createHash('sha256').update(shown, 'utf8').digest('hex');
}

/** What can be renewed unchanged, soonest end first, each with the fingerprint that the decision names. */
export const renewals = defineVerb({
  name: 'connections.renewals',
  kind: 'query',
  access: [{ school: ['approver', 'school-administrator'] }],
  input: z.object({ schoolId: idSchema }),
  async run({ ctx, tx, input: { schoolId } }) {
    const school = await schoolRow(tx, schoolId);
    const today = localDate(ctx.clock.now(), school.timeZone);
    const rows = await tx
      .select()
      .from(connection)
      .where(and(eq(connection.schoolId, schoolId), isNull(connection.endedAt)));
    const found = [];
    for (const row of rows) {
      const system = await systemInSchool(tx, schoolId, row.producerSystemId);
      const situation = await readSituation(tx, { connection: row, system });
      const { grant, facts } = situation;
      if (grant === null || !facts.hostApproved || !facts.agreementInForce) continue;
      found.push({
        connectionId: row.id,
        state: row.state,
        system: { id: system.id, name: system.name, kind: system.kind },
        scopes: grant.scopes,
        sites: grant.sharingRule.sites,
        purpose: grant.purpose,
        until: grant.validUntil,
        daysLeft: daysBetween(today, grant.validUntil),
        proposedUntil: defaultUntil(addDays(grant.validUntil, 1)),
        fingerprint: fingerprintOfGrant(situation, grant),
      });
    }
    return found.toSorted((a, b) => a.until.localeCompare(b.until));
  },
});

/**
 * Renews several grants, unchanged, in one decision: all of them or none. Whoever decides speaks for both sides, and is
 * recorded twice.
 * @throws CrosswalkError `changed-meanwhile` for one that is no longer as shown, `grant-not-live`, `approver-limited`,
 *   `agreement-not-in-force`, `invalid-input`
 */
export const renewConnections = defineVerb({
  name: 'connections.renew',
  kind: 'command',
  access: [{ school: ['approver'] }],
  input: z.object({
    schoolId: idSchema,
    items: z
      .array(z.object({ connectionId: idSchema, fingerprint: z.string().length(64) }))
      .min(1)
      .max(100),
    until: z.iso.date(),
  }),
  async run(call) {
    const { ctx, tx, audit, emit, party, input } = call;
    const { schoolId, until } = input;
    const school = await schoolRow(tx, schoolId);
    const now = ctx.clock.now();
    assertTerm(until, school, now);
    const userId = userIdOf(ctx);
    if (userId === null) throw new CrosswalkError('forbidden');
    const agreementId = await agreementToAskUnder(tx, schoolId, party);
    const grants: string[] = [];
    for (const item of input.items.toSorted((a, b) => a.connectionId.localeCompare(b.connectionId))) {
      const locked = await lockConnection(tx, schoolId, item.connectionId);
      const situation = await readSituation(tx, locked);
      const { grant } = situation;
      if (grant === null) throw new CrosswalkError('grant-not-live', { details: { connectionId: item.connectionId } });
      if (fingerprintOfGrant(situation, grant) !== item.fingerprint) {
        throw new CrosswalkError('changed-meanwhile', { details: { connectionId: item.connectionId } });
      }
      assertWithinReach(approverReach(party, locked.system.id), grant.sharingRule.sites);
      if (until <= grant.validUntil) throw new CrosswalkError('invalid-input', { details: { fields: ['until'] } });
      const requestId = newId();
      const [row] = await tx
        .insert(request)
        .values({
          id: requestId,
          schoolId,
          connectionId: item.connectionId,
          kind: 'renew',
          state: 'approved',
          scopes: grant.scopes.map((scope) => ({ scope, required: true })),
          purpose: grant.purpose,
          until,
          product: productOf(locked.system).name,
          origins: locked.system.origins,
          consumerOrigins: situation.lms?.origins ?? [],
          agreementId,
          draftedBy: userId,
          draftedAs: 'school',
          sentBy: userId,
          sentAt: now,
          decidedBy: userId,
          decidedAt: now,
          fingerprint: item.fingerprint,
          previewSkipped: true,
          createdAt: now,
        })
        .returning();
      if (row === undefined) throw new CrosswalkError('internal');
      await recordConsent(call, row, { side: 'consumer', status: 'accepted', organisation: school.name });
      await recordConsent(call, row, { side: 'producer', status: 'accepted', organisation: school.name });
      const terms = { ...grant, validUntil: until, grantedBy: userId };
      grants.push(await replaceGrant(call, row, grant, terms, 'renewed'));
      audit({
        action: 'grant.renewed',
        subjectKind: 'connection',
        subjectId: item.connectionId,
        details: { requestId, replaced: grant.id, from: grant.validUntil, until },
      });
      await emit('connection/changed', { schoolId, connectionId: item.connectionId });
    }
    return { grants };
  },
});
