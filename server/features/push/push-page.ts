import { and, desc, eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import { appUser, pushRun, pushSettings } from '#db/schema/index.ts';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { pushEntities } from '#server/connectors/push-contract.ts';
import { credentialsOf, systemInSchool } from '#server/features/connections/load-rows.ts';
import { lmsCredentialOf } from '#server/features/connections/read-proof.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { connectionToPush } from './load-push.ts';
import { viewOfPush } from './push-view.ts';

const shownRuns = 20;
const ledgerRows = z.array(
  z.object({
    entity: z.enum(pushEntities),
    made: z.coerce.number(),
    adopted: z.coerce.number(),
    found: z.coerce.number(),
    suspended: z.coerce.number(),
    gone: z.coerce.number(),
  }),
);

/** How a roster is pushed on a connection: settings and what they can be chosen from, the last pushes, and what is ours over there. */
export const pushPage = defineVerb({
  name: 'push.page',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({ schoolId: idSchema, connectionId: idSchema }),
  run: async ({ ctx, tx, party, input: { schoolId, connectionId } }) => {
    const { connection, lms, facts } = await connectionToPush(tx, schoolId, connectionId);
    const sis = await systemInSchool(tx, schoolId, connection.producerSystemId);
    const [held] = await credentialsOf(tx, schoolId, lms.id);
    const [settings] = await tx.select().from(pushSettings).where(eq(pushSettings.connectionId, connectionId));
    const [changer] =
      settings?.updatedBy == null
        ? []
        : await tx.select({ name: appUser.name }).from(appUser).where(eq(appUser.id, settings.updatedBy));
    const runs = await tx
      .select()
      .from(pushRun)
      .where(and(eq(pushRun.schoolId, schoolId), eq(pushRun.connectionId, connectionId)))
      .orderBy(desc(pushRun.id))
      .limit(shownRuns);
    const ledger = ledgerRows.parse(
      await tx.execute(sql`
        select entity, count(*) filter (where origin = 'made') as made, count(*) filter (where origin = 'adopted') as adopted, count(*) filter (where origin = 'found') as found,
               count(*) filter (where suspended) as suspended, count(*) filter (where gone_at is not null) as gone
          from push_ledger where school_id = ${schoolId}::uuid and connection_id = ${connectionId}::uuid and written_at is not null group by entity`),
    );
    return {
      state: connection.state,
      lms: { id: lms.id, name: lms.name, connector: lms.connector },
      sis: { id: sis.id, name: sis.name },
      settings: settings === undefined ? null : { ...settings, updatedBy: changer?.name ?? null },
      isOffered: facts !== null,
      entities: facts?.entities ?? [],
      carries: facts?.carries ?? [],
      signIn: facts?.signIn ?? [],
      runs: runs.map((row) => viewOfPush(row, ctx.clock.now())),
      ledger: pushEntities.flatMap((entity) => ledger.filter((row) => row.entity === entity)),
      lastReceivedAt: connection.lastReceivedAt,
      /** What the LMS allows, and what a push needs of it. */
      lmsCredential: lmsCredentialOf(held),
      mayChange: party.memberships.some(({ role }) => role === 'school-administrator'),
    };
  },
});
