import { and, asc, desc, eq, isNull, or } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { appUser, membership, singleUseLink, systemCall, system as systemTable } from '#db/schema/index.ts';
import type { Scope } from '#db/schema/vocabulary.ts';
import { connectorById } from '#server/connectors/registry.ts';
import { credentialsOf, only, type SystemRow, systemInSchool } from '#server/features/connections/load-rows.ts';
import { productOf } from '#server/features/connections/product-of-system.ts';
import { readConnections } from '#server/features/connections/read-connections.ts';
import { wantedScopes } from '#server/features/connections/wanted-scopes.ts';
import type { Context } from '#server/kernel/context.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { guideOfSystem } from './guide-of-system.ts';
import { hostsOfSystem } from './hosts-of-system.ts';
import { assertMayServe, systemRoles } from './system-party.ts';
import { viewOfCredential } from './view-of-credential.ts';

/** What the entry form and the guide of a system are made of. */
function setUpOf(ctx: Context, system: SystemRow, scopes: readonly Scope[]) {
  const connector = connectorById(system.connector);
  return {
    id: system.id,
    kind: system.kind,
    name: system.name,
    connector: system.connector,
    product: productOf(system),
    authentication: connector.authentication.kind,
    settings: system.settings,
    origins: system.origins,
    hosts: hostsOfSystem(ctx, system),
    /** How packages come; null where the system is asked for its data. */
    wayOfPackages: connector.wayOfPackages(system.settings),
    hostConfirmedAt: system.hostConfirmedAt,
    settingsFields: connector.settingsFields,
    secretFields: connector.secretFields,
    guide: guideOfSystem(ctx, system, scopes),
  };
}

async function contactsOf(tx: Tx, schoolId: string, systemId: string) {
  return tx
    .selectDistinct({
      userId: appUser.id,
      name: appUser.name,
      email: appUser.email,
      forThisSystemOnly: membership.systemId,
    })
    .from(membership)
    .innerJoin(appUser, eq(appUser.id, membership.userId))
    .where(
      and(
        eq(membership.schoolId, schoolId),
        eq(membership.role, 'technical-contact'),
        isNull(membership.endedAt),
        or(isNull(membership.systemId), eq(membership.systemId, systemId)),
      ),
    )
    .orderBy(asc(appUser.name));
}

async function sourcesOf(tx: Tx, schoolId: string) {
  return tx
    .select({ id: systemTable.id, name: systemTable.name })
    .from(systemTable)
    .where(and(eq(systemTable.schoolId, schoolId), eq(systemTable.kind, 'sis'), isNull(systemTable.removedAt)))
    .orderBy(asc(systemTable.createdAt), asc(systemTable.id));
}

/** A system with its set-up guide, credential, technical contacts, connections and the last of what was asked of it. */
export const systemPage = defineVerb({
  name: 'systems.page',
  kind: 'query',
  access: [{ school: [...systemRoles, 'signatory'] }],
  input: z.object({ schoolId: idSchema, systemId: idSchema }),
  async run({ ctx, tx, input: { schoolId, systemId } }) {
    const system = await systemInSchool(tx, schoolId, systemId);
    const contacts = await contactsOf(tx, schoolId, systemId);
    const edges = await readConnections(tx, schoolId, ctx.clock.now());
    const links = await tx
      .select({
        name: singleUseLink.name,
        email: singleUseLink.email,
        sentAt: singleUseLink.createdAt,
        expiresAt: singleUseLink.expiresAt,
        usedAt: singleUseLink.usedAt,
        withdrawnAt: singleUseLink.withdrawnAt,
      })
      .from(singleUseLink)
      .where(
        and(
          eq(singleUseLink.schoolId, schoolId),
          eq(singleUseLink.systemId, systemId),
          eq(singleUseLink.purpose, 'technical-contact'),
        ),
      )
      .orderBy(desc(singleUseLink.createdAt))
      .limit(5);
    const [confirmer] =
      system.hostConfirmedBy === null
        ? []
        : await tx.select({ name: appUser.name }).from(appUser).where(eq(appUser.id, system.hostConfirmedBy));
    return {
      ...setUpOf(ctx, system, await wantedScopes(tx, system)),
      hostConfirmedBy: confirmer?.name ?? null,
      credentials: (await credentialsOf(tx, schoolId, systemId)).map(viewOfCredential),
      technicalContacts: contacts.map(({ forThisSystemOnly, ...contact }) => ({
        ...contact,
        forThisSystemOnly: forThisSystemOnly !== null,
      })),
      links,
      connections: edges.filter(({ producer }) => producer.id === systemId),
      /** Of an LMS: what it receives from a SIS. */
      receives: edges.filter(({ consumer }) => consumer.id === systemId),
      /** Of an LMS: SISs whose roster it could be given. */
      sources: system.kind === 'lms' ? await sourcesOf(tx, schoolId) : [],
      calls: await tx
        .select({
          at: systemCall.at,
          purpose: systemCall.purpose,
          method: systemCall.method,
          path: systemCall.path,
          status: systemCall.status,
          rows: systemCall.rows,
          milliseconds: systemCall.milliseconds,
          errorCode: systemCall.errorCode,
        })
        .from(systemCall)
        .where(and(eq(systemCall.schoolId, schoolId), eq(systemCall.systemId, systemId)))
        .orderBy(desc(systemCall.at))
        .limit(50),
    };
  },
});

/** What the holder of a technical contact's link sees: set-up guide, entry and test, and nothing else. */
export const setUpPage = defineVerb({
  name: 'systems.set-up-page',
  kind: 'query',
  access: [{ link: 'technical-contact' }],
  input: z.object({}),
  async run({ ctx, tx, party }) {
    if (ctx.actor.kind !== 'link' || ctx.actor.systemId === null || party.schoolId === null) {
      throw new CrosswalkError('link-unusable');
    }
    const { schoolId } = party;
    const system = await systemInSchool(tx, schoolId, ctx.actor.systemId);
    assertMayServe(ctx, party, system.id);
    const [newest] = (await credentialsOf(tx, schoolId, system.id)).toSorted(
      (a, b) => b.createdAt.getTime() - a.createdAt.getTime(),
    );
    const school = only(await tx.query.school.findMany({ columns: { name: true } }));
    return {
      schoolId,
      school: school.name,
      holder: ctx.actor.name,
      system: setUpOf(ctx, system, await wantedScopes(tx, system)),
      mayEnterAddress: system.hostConfirmedAt === null,
      credential: newest === undefined ? null : viewOfCredential(newest),
    };
  },
});
