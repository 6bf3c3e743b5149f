import { and, asc, desc, eq } from 'drizzle-orm';
import { z } from 'zod';
import { agreement, appUser, consent, preview, request, site, system as systemTable } from '#db/schema/index.ts';
import { isScope } from '#db/schema/vocabulary.ts';
import { connectorById } from '#server/connectors/registry.ts';
import { hostsOfLms, hostsOfSystem } from '#server/features/systems/hosts-of-system.ts';
import { type ErrorCode, isCrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { neededOfSource, readAllowed } from '#server/roster/live-grants.ts';
import { type ApproverReach, approverReach } from './approver-limits.ts';
import { bestCount, hasBeenRead, previewCounts, receivedCounts } from './counts-of-system.ts';
import { fingerprintOf, readAsker } from './fingerprint.ts';
import { connectionInSchool, only } from './load-rows.ts';
import { marketplaceName } from './marketplace-name.ts';
import { provedScopes, suffices } from './read-proof.ts';
import { narrowableOf, narrowableTo } from './sharing-rule.ts';
import { readSituation, type Situation } from './situation.ts';
import { isRefusal, readCause, transition } from './state-machine.ts';

/**
 * Everything that a decision needs on one page (STYLE.md, "Pages"): who asks, what for, of which system at which host,
 * exactly which data with counts, how long, what changes, how to undo it, and the fingerprint that the decision names.
 */
export const decisionPage = defineVerb({
  name: 'connections.decision-page',
  kind: 'query',
  access: [{ school: ['approver', 'school-administrator', 'technical-contact', 'signatory'] }],
  input: z.object({ schoolId: idSchema, requestId: idSchema }),
  async run({ ctx, tx, party, input: { schoolId, requestId } }) {
    const row = only(
      await tx
        .select()
        .from(request)
        .where(and(eq(request.schoolId, schoolId), eq(request.id, requestId))),
    );
    const connection = await connectionInSchool(tx, schoolId, row.connectionId);
    const system = only(
      await tx
        .select()
        .from(systemTable)
        .where(and(eq(systemTable.schoolId, schoolId), eq(systemTable.id, connection.producerSystemId))),
    );
    const situation = await readSituation(tx, { connection, system });
    const [under] = await tx.select().from(agreement).where(eq(agreement.id, row.agreementId));
    const [looked] = await tx
      .select()
      .from(preview)
      .where(and(eq(preview.schoolId, schoolId), eq(preview.requestId, requestId)))
      .orderBy(desc(preview.at))
      .limit(1);
    const [consumer] =
      connection.consumerSystemId === null
        ? []
        : await tx
            .select()
            .from(systemTable)
            .where(and(eq(systemTable.schoolId, schoolId), eq(systemTable.id, connection.consumerSystemId)));
    // What an LMS asks for may be here already, for another edge.
    const ofLms = connection.consumerKind === 'lms';
    const isHere = connection.lastReceivedAt !== null || (ofLms && (await hasBeenRead(tx, schoolId, system.id)));
    // What no grant has asked for yet is not none, but unknown.
    const { toKeep } = await readAllowed(tx, { schoolId, systemId: system.id, now: ctx.clock.now() });
    const received = isHere
      ? new Map([...(await receivedCounts(tx, schoolId, system.id))].filter(([scope]) => toKeep.includes(scope)))
      : null;
    const previewed = looked === undefined ? null : previewCounts(looked.counts);
    const connector = connectorById(system.connector);
    const person = async (userId: string | null) => {
      if (userId === null) return null;
      const [found] = await tx.select({ name: appUser.name }).from(appUser).where(eq(appUser.id, userId));
      return found?.name ?? null;
    };
    const asked = row.scopes.map(({ scope }) => scope);
    const consents = await tx
      .select()
      .from(consent)
      .where(and(eq(consent.schoolId, schoolId), eq(consent.requestId, requestId)))
      .orderBy(asc(consent.at), asc(consent.id));
    return {
      requestId,
      connectionId: connection.id,
      kind: row.kind,
      state: row.state,
      fingerprint: await fingerprintOf(tx, situation, row),
      asker: await readAsker(tx, situation, row),
      consumer: connection.consumerKind,
      /** To whom it would be released; empty where nobody knows a name yet. */
      consumerName: connection.consumerKind === 'marketplace' ? await marketplaceName(tx) : (consumer?.name ?? ''),
      /** The LMS that would receive, at which address, and how. */
      consumerSystem:
        consumer === undefined
          ? null
          : { id: consumer.id, name: consumer.name, way: connection.way, hosts: hostsOfLms(ctx, consumer) },
      askedAt: row.sentAt,
      purpose: row.purpose,
      until: row.until,
      product: row.product,
      school: { name: situation.school.name, timeZone: situation.school.timeZone },
      system: {
        id: system.id,
        kind: system.kind,
        name: system.name,
        origins: system.origins,
        hosts: hostsOfSystem(ctx, system),
        /** How packages come; null where the system is asked for its data. */
        wayOfPackages: connector.wayOfPackages(system.settings),
        addresses: connector.settingsFields
          .filter(
            ({ kind }) => kind === 'url' || (kind === 'text' && connector.wayOfPackages(system.settings) === 'sftp'),
          )
          .map(({ name, label }) => ({ label, value: String(system.settings[name] ?? '') })),
        hostConfirmedAt: system.hostConfirmedAt,
        hostConfirmedBy: await person(system.hostConfirmedBy),
      },
      scopes: row.scopes.flatMap(({ scope, required }) =>
        isScope(scope) ? [{ scope, required, ...bestCount(scope, received, previewed) }] : [],
      ),
      sites: await tx
        .select({ id: site.id, name: site.name })
        .from(site)
        .where(eq(site.schoolId, schoolId))
        .orderBy(asc(site.name)),
      /** Single fields of people that can be left out, `scope:field`. */
      narrowableFields: ofLms ? narrowableOf(asked) : [],
      /** Streams and subjects to which the release can be narrowed, as far as they are here. */
      narrowableTo: ofLms ? await narrowableTo(tx, schoolId, system.id) : { streams: [], subjects: [] },
      /** What the reader may decide; null for roles that only look. */
      reach: reachOf(() => approverReach(party, system.id)),
      /** Why nobody can approve it at this moment; null where it can be. */
      blockedBy: blockedBy(situation, row.kind),
      /** The approver can confirm the host with his decision, where the technical contact has not. */
      asksForHostConfirmation: !situation.facts.hostConfirmed && situation.facts.hostEntered,
      credential: {
        proved: situation.credential?.state === 'proved',
        provedAt: situation.credential?.provedAt ?? null,
        /** Then connecting passes by itself. */
        suffices: suffices(situation.credential, neededOfSource(connection.way, asked)),
      },
      preview: {
        available:
          row.state === 'requested' && provedScopes(situation.credential).some((scope) => asked.includes(scope)),
        at: looked?.at ?? null,
        counts: looked?.counts ?? null,
      },
      /** What is released on this connection already; the request would take its place. */
      released:
        situation.grant === null
          ? null
          : {
              scopes: situation.grant.scopes,
              until: situation.grant.validUntil,
              sites: situation.grant.sharingRule.sites,
              withoutFields: situation.grant.withoutFields,
              since: situation.grant.validFrom,
            },
      agreement:
        under === undefined ? null : { id: under.id, state: under.state, termEnd: under.termEnd, endsOn: under.endsOn },
      consents: consents.map(({ side, status, byName, byOrganisationName, at, purpose, until }) => ({
        side,
        status,
        byName,
        byOrganisationName,
        at,
        purpose,
        until,
      })),
      decision:
        row.decidedAt === null
          ? null
          : { at: row.decidedAt, by: await person(row.decidedBy), reason: row.declineReason, state: row.state },
    };
  },
});

function reachOf(read: () => ApproverReach): ApproverReach | null {
  try {
    return read();
  } catch (error) {
    if (isCrosswalkError(error, 'approver-limited')) return null;
    throw error;
  }
}

/** The refusal that a decision for yes would meet now, host confirmation apart, since the approver can give it himself. */
function blockedBy({ connection, facts }: Situation, kind: string): ErrorCode | null {
  const asked = { ...facts, hostConfirmed: facts.hostConfirmed || facts.hostEntered };
  if (kind === 'open') {
    const standing = { state: connection.state, cause: readCause(connection.cause) };
    const next = transition(standing, { type: 'approve' }, asked);
    return isRefusal(next) ? next.refused : null;
  }
  if (!asked.agreementInForce) return 'agreement-not-in-force';
  if (!asked.schoolTrusted) return 'school-not-trusted';
  if (asked.stoppedBySchool) return 'stopped-by-school';
  return asked.hostEntered ? null : 'host-missing';
}
