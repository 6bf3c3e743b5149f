import { createHash } from 'node:crypto';
import { eq } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { agreement, appUser, connection, organisation, system } from '#db/schema/index.ts';
import type { CanonicalValue } from '#server/kernel/canonical-json.ts';
import { canonicalJson } from '#server/kernel/canonical-json.ts';
import type { RequestRow } from './load-rows.ts';
import type { Situation } from './situation.ts';

/** Who asks, as the decision page names him. */
export interface Asker {
  readonly as: RequestRow['draftedAs'];
  readonly person: string | null;
  readonly organisation: string;
}

export async function readAsker(tx: Tx, { school }: Pick<Situation, 'school'>, row: RequestRow): Promise<Asker> {
  const userId = row.sentBy ?? row.draftedBy;
  const [person] =
    userId === null ? [] : await tx.select({ name: appUser.name }).from(appUser).where(eq(appUser.id, userId));
  return {
    as: row.draftedAs,
    person: row.askerName ?? person?.name ?? null,
    organisation: await organisationName(tx, school.name, row),
  };
}

async function organisationName(tx: Tx, schoolName: string, row: RequestRow): Promise<string> {
  if (row.draftedAs === 'school') return schoolName;
  if (row.draftedAs === 'lms') return (await consumerSystem(tx, row))?.name ?? '';
  const [found] = await tx
    .select({ name: organisation.name })
    .from(organisation)
    .where(row.agentId === null ? eq(organisation.kind, 'operator') : eq(organisation.id, row.agentId))
    .limit(1);
  return found?.name ?? '';
}

/** The LMS that would receive; null where it is no system of the school's. */
async function consumerSystem(tx: Tx, row: RequestRow) {
  const [found] = await tx
    .select({ id: system.id, name: system.name, settings: system.settings, way: connection.way })
    .from(connection)
    .innerJoin(system, eq(system.id, connection.consumerSystemId))
    .where(eq(connection.id, row.connectionId));
  return found ?? null;
}

/**
 * SHA-256 (hex) over everything on the decision page that the decision is about: who asks, for what, why, how long, of
 * which system at which address, under which agreement, and what is released already. Counts and samples are left out:
 * they inform, they are not what is agreed to.
 */
export async function fingerprintOf(tx: Tx, situation: Situation, row: RequestRow): Promise<string> {
  const { school, system: producer, grant } = situation;
  const consumer = await consumerSystem(tx, row);
  const [under] = await tx
    .select({ state: agreement.state, endsOn: agreement.endsOn, agentId: agreement.agentId })
    .from(agreement)
    .where(eq(agreement.id, row.agreementId));
  const asker = await readAsker(tx, situation, row);
  const shown: CanonicalValue = {
    format: 'crosswalk-request-1',
    request: row.id,
    kind: row.kind,
    school: { id: school.id, name: school.name },
    asker: { as: asker.as, person: asker.person, organisation: asker.organisation },
    system: {
      id: producer.id,
      kind: producer.kind,
      name: producer.name,
      connector: producer.connector,
      settings: canonicalJson(JSON.parse(JSON.stringify(producer.settings))),
      origins: producer.origins.toSorted(),
    },
    ...(consumer === null
      ? {}
      : {
          consumer: {
            id: consumer.id,
            name: consumer.name,
            settings: canonicalJson(JSON.parse(JSON.stringify(consumer.settings))),
            way: consumer.way,
          },
        }),
    product: row.product,
    scopes: row.scopes
      .map(({ scope, required }) => ({ scope, required }))
      .toSorted((a, b) => a.scope.localeCompare(b.scope, 'en')),
    purpose: row.purpose,
    until: row.until,
    agreement: { id: row.agreementId, state: under?.state ?? null, endsOn: under?.endsOn ?? null },
    grant: grant === null ? null : { id: grant.id, scopes: grant.scopes.toSorted(), until: grant.validUntil },
  };
  return createHash('sha256').update(canonicalJson(shown), 'utf8').digest('hex');
}
