import { and, eq, inArray } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { agreement, request, systemReplacement, system as systemTable } from '#db/schema/index.ts';
import { agreementStatesInForce, replacedStates } from '#db/schema/vocabulary.ts';
import { neededOfSource } from '#server/roster/live-grants.ts';
import {
  type ConnectionRow,
  type CredentialRow,
  credentialsOf,
  type GrantRow,
  latestRequestOf,
  liveGrantOf,
  only,
  openRequestOf,
  type RequestRow,
  type SchoolRow,
  type SystemRow,
  schoolRow,
} from './load-rows.ts';
import { lmsCredentialOf, suffices } from './read-proof.ts';
import type { Facts } from './state-machine.ts';

/** A connection with everything that decides about it, read in one transaction. */
export interface Situation {
  readonly school: SchoolRow;
  readonly system: SystemRow;
  readonly connection: ConnectionRow;
  readonly openRequest: RequestRow | null;
  readonly latestRequest: RequestRow;
  readonly grant: GrantRow | null;
  /** The request whose approval the live grant is. */
  readonly approvedRequest: RequestRow | null;
  /** The credential in use: a proved one before a newer attempt. */
  readonly credential: CredentialRow | null;
  /** The LMS that Crosswalk writes into; null for every other connection. */
  readonly lms: SystemRow | null;
  readonly facts: Facts;
}

/**
 * Whether any agreement of the school is in force: the marketplace's edge lives while one is, however many agents a school
 * has. A request that waits counts under its own agreement alone.
 */
async function hasAgreementInForce(tx: Tx, schoolId: string, agreementId: string | null): Promise<boolean> {
  const rows = await tx
    .select({ id: agreement.id })
    .from(agreement)
    .where(
      and(
        eq(agreement.schoolId, schoolId),
        inArray(agreement.state, [...agreementStatesInForce]),
        agreementId === null ? undefined : eq(agreement.id, agreementId),
      ),
    )
    .limit(1);
  return rows.length > 0;
}

/** Whether another system has taken the place of this one (DESIGN.md §2, "Replacing a system"). */
async function isReplaced(tx: Tx, schoolId: string, systemId: string): Promise<boolean> {
  const rows = await tx
    .select({ id: systemReplacement.id })
    .from(systemReplacement)
    .where(
      and(
        eq(systemReplacement.schoolId, schoolId),
        eq(systemReplacement.oldSystemId, systemId),
        inArray(systemReplacement.state, [...replacedStates]),
      ),
    )
    .limit(1);
  return rows.length > 0;
}

/** The LMS of a pushed connection, even where it was removed. */
async function lmsOf(tx: Tx, { schoolId, way, consumerSystemId }: ConnectionRow): Promise<SystemRow | null> {
  if (way !== 'push' || consumerSystemId === null) return null;
  return only(
    await tx
      .select()
      .from(systemTable)
      .where(and(eq(systemTable.schoolId, schoolId), eq(systemTable.id, consumerSystemId))),
  );
}

/** Whether two lists name the same origins, in any order. */
export function sameOrigins(a: readonly string[], b: readonly string[]): boolean {
  return a.length > 0 && a.toSorted().join(' ') === b.toSorted().join(' ');
}

/** Whether an approval is good for where the systems stand now: the one that is asked, and the LMS that is written into. */
export function areApproved(
  approved: Pick<RequestRow, 'origins' | 'consumerOrigins'>,
  producer: Pick<SystemRow, 'origins'>,
  lms: Pick<SystemRow, 'origins'> | null,
): boolean {
  if (!sameOrigins(approved.origins, producer.origins)) return false;
  return lms === null || sameOrigins(approved.consumerOrigins, lms.origins);
}

/** Reads the facts that guard a transition; the caller holds the locks where it goes on to write. */
export async function readSituation(
  tx: Tx,
  { connection, system }: { connection: ConnectionRow; system: SystemRow },
): Promise<Situation> {
  const { schoolId, id } = connection;
  const school = await schoolRow(tx, schoolId);
  const openRequest = await openRequestOf(tx, schoolId, id);
  const latestRequest = openRequest ?? (await latestRequestOf(tx, schoolId, id));
  const grant = await liveGrantOf(tx, schoolId, id);
  const approvedRequest =
    grant === null
      ? null
      : only(
          await tx
            .select()
            .from(request)
            .where(and(eq(request.schoolId, schoolId), eq(request.id, grant.requestId))),
        );
  const [credential] = await credentialsOf(tx, schoolId, system.id);
  const lms = await lmsOf(tx, connection);
  const [ofLms] = lms === null ? [] : await credentialsOf(tx, schoolId, lms.id);
  const facts: Facts = {
    consumerKind: connection.consumerKind,
    way: connection.way,
    producerKind: system.kind,
    draftedAs: latestRequest.draftedAs,
    agreementInForce: await hasAgreementInForce(
      tx,
      schoolId,
      openRequest?.state === 'requested' && grant === null ? openRequest.agreementId : null,
    ),
    schoolTrusted: school.trust === 'trusted',
    stoppedBySchool: school.stoppedAt !== null,
    hostEntered: system.origins.length > 0,
    hostConfirmed: system.hostConfirmedAt !== null,
    requestSent: openRequest?.state === 'requested' || approvedRequest !== null,
    requestApproved: approvedRequest?.state === 'approved',
    grantLive: grant !== null,
    hostApproved: approvedRequest !== null && areApproved(approvedRequest, system, lms),
    credentialProved: grant !== null && suffices(credential, neededOfSource(connection.way, grant.scopes)),
    lmsCredential: lms === null ? null : lmsCredentialOf(ofLms),
    everLive: connection.lastReceivedAt !== null || connection.directProof !== null,
    systemReplaced: await isReplaced(tx, schoolId, system.id),
  };
  return {
    school,
    system,
    connection,
    openRequest,
    latestRequest,
    grant,
    approvedRequest,
    credential: credential ?? null,
    lms,
    facts,
  };
}
