import { and, asc, desc, eq, inArray } from 'drizzle-orm';
import { z } from 'zod';
import { appUser, auditEntry, consent, grant, preview, request, site, syncRun, systemCall } from '#db/schema/index.ts';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { clientOf } from '#server/features/consumers/client-of-connection.ts';
import { viewOf } from '#server/features/sync/run-view.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { connectionInSchool } from './load-rows.ts';
import { marketplaceName } from './marketplace-name.ts';
import { readConnections } from './read-connections.ts';

/**
 * One connection whole: how it stands, both sides' consents, every request and grant, its history, the runs and the calls
 * that were made for it.
 */
export const connectionPage = defineVerb({
  name: 'connections.page',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({ schoolId: idSchema, connectionId: idSchema }),
  async run({ ctx, tx, input: { schoolId, connectionId } }) {
    const row = await connectionInSchool(tx, schoolId, connectionId);
    const now = ctx.clock.now();
    const edge = (await readConnections(tx, schoolId, now)).find((view) => view.connectionId === connectionId);
    if (edge === undefined) throw new CrosswalkError('not-found');
    const here = (table: { schoolId: typeof request.schoolId; connectionId: typeof request.connectionId }) =>
      and(eq(table.schoolId, schoolId), eq(table.connectionId, connectionId));
    const requests = await tx
      .select()
      .from(request)
      .where(here(request))
      .orderBy(desc(request.createdAt), desc(request.id));
    const grants = await tx
      .select()
      .from(grant)
      .where(and(eq(grant.schoolId, schoolId), eq(grant.connectionId, connectionId)))
      .orderBy(desc(grant.validFrom), desc(grant.id));
    const consents = await tx
      .select()
      .from(consent)
      .where(and(eq(consent.schoolId, schoolId), eq(consent.connectionId, connectionId)))
      .orderBy(asc(consent.at), asc(consent.id));
    const people = new Map(
      (
        await tx
          .select({ id: appUser.id, name: appUser.name })
          .from(appUser)
          .where(
            inArray(
              appUser.id,
              [
                ...new Set([
                  ...requests.flatMap((entry) => [entry.sentBy ?? entry.draftedBy, entry.decidedBy]),
                  ...grants.map((entry) => entry.grantedBy),
                ]),
              ].filter((id) => id !== null),
            ),
          )
      ).map((person) => [person.id, person.name]),
    );
    const nameOf = (userId: string | null) => (userId === null ? null : (people.get(userId) ?? null));
    const sites = new Map(
      (await tx.select().from(site).where(eq(site.schoolId, schoolId))).map((entry) => [entry.id, entry.name]),
    );
    const subjects = [connectionId, ...requests.map(({ id }) => id)];
    const history = await tx
      .select({
        at: auditEntry.at,
        action: auditEntry.action,
        actorKind: auditEntry.actorKind,
        actorName: auditEntry.actorName,
        details: auditEntry.details,
      })
      .from(auditEntry)
      .where(and(eq(auditEntry.schoolId, schoolId), inArray(auditEntry.subjectId, subjects)))
      .orderBy(desc(auditEntry.seq))
      .limit(100);
    const runs = await tx
      .select()
      .from(syncRun)
      .where(and(eq(syncRun.schoolId, schoolId), eq(syncRun.systemId, row.producerSystemId)))
      .orderBy(desc(syncRun.createdAt))
      .limit(10);
    const calls = await tx
      .select()
      .from(systemCall)
      .where(and(eq(systemCall.schoolId, schoolId), eq(systemCall.systemId, row.producerSystemId)))
      .orderBy(desc(systemCall.at))
      .limit(50);
    const [previewed] = await tx
      .select()
      .from(preview)
      .where(
        and(
          eq(preview.schoolId, schoolId),
          inArray(
            preview.requestId,
            requests.map(({ id }) => id),
          ),
        ),
      )
      .orderBy(desc(preview.at))
      .limit(1);
    return {
      edge,
      consumerName: edge.consumer.kind === 'marketplace' ? await marketplaceName(tx) : edge.consumer.name,
      /** What the consumer is known by where it asks for its data; null where none was issued. */
      client: await clientOf(tx, schoolId, connectionId, now),
      createdAt: row.createdAt,
      consents: consents.map(({ side, status, byName, byOrganisationName, at, purpose, until, requestId }) => ({
        side,
        status,
        byName,
        byOrganisationName,
        at,
        purpose,
        until,
        requestId,
      })),
      requests: requests.map((entry) => ({
        id: entry.id,
        kind: entry.kind,
        state: entry.state,
        draftedAs: entry.draftedAs,
        asker: entry.askerName ?? nameOf(entry.sentBy ?? entry.draftedBy),
        sentAt: entry.sentAt,
        decidedBy: nameOf(entry.decidedBy),
        decidedAt: entry.decidedAt,
        declineReason: entry.declineReason,
        voidReason: entry.voidReason,
        scopes: entry.scopes,
        purpose: entry.purpose,
        until: entry.until,
        origins: entry.origins,
        previewSkipped: entry.previewSkipped,
      })),
      grants: grants.map((entry) => ({
        id: entry.id,
        scopes: entry.scopes,
        sites: entry.sharingRule.sites.map((id) => ({ id, name: sites.get(id) ?? id })),
        rule: entry.sharingRule,
        withoutFields: entry.withoutFields,
        validFrom: entry.validFrom,
        validUntil: entry.validUntil,
        grantedBy: nameOf(entry.grantedBy),
        endedAt: entry.endedAt,
        endReason: entry.endReason,
      })),
      preview: previewed === undefined ? null : { at: previewed.at, counts: previewed.counts },
      history,
      runs: runs.map((run) => viewOf(run, now)),
      calls: calls.map(({ at, purpose, method, path, status, rows, milliseconds, errorCode }) => ({
        at,
        purpose,
        method,
        path,
        status,
        rows,
        milliseconds,
        errorCode,
      })),
    };
  },
});
