import { createReadStream } from 'node:fs';
import { and, eq, gt, sql } from 'drizzle-orm';
import { rosterUpload } from '#db/schema/index.ts';
import type { Scope, uploadWays } from '#db/schema/vocabulary.ts';
import { connectorById } from '#server/connectors/registry.ts';
import { bidFarewell } from '#server/features/connections/destroy-credentials.ts';
import { credentialsOf, lockSystem, schoolRow, systemInSchool } from '#server/features/connections/load-rows.ts';
import { scopesToProve, tryCredentialOutsideVerb } from '#server/features/connections/prove-credential.ts';
import { suffices } from '#server/features/connections/read-proof.ts';
import { writeCredential } from '#server/features/connections/write-credential.ts';
import { mayBeAsked } from '#server/features/withheld/withhold.ts';
import type { Party } from '#server/kernel/access.ts';
import type { Context } from '#server/kernel/context.ts';
import { CrosswalkError, isCrosswalkError } from '#server/kernel/errors.ts';
import { runWork, type Work } from '#server/kernel/verb.ts';
import { fileOf } from '#server/protocols/oneroster-csv/files.ts';
import { storePackage } from '#server/roster/receive-package.ts';
import { requestRun } from '#server/roster/request-run.ts';
import { dropPackage } from './drop-package.ts';
import { type Inspected, inspectPackage } from './inspect-package.ts';
import { withPackageFile } from './spool-package.ts';

export interface PackageComing {
  readonly schoolId: string;
  readonly systemId: string;
  readonly via: (typeof uploadWays)[number];
  readonly fileName: string;
  readonly uploadedBy: string | null;
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly as: Party['as'];
}

export interface TakenIn extends Inspected {
  readonly uploadId: string;
  readonly bytes: number;
  /** The run that reads it; null while nothing is granted yet: then it waits for the approval, a day at most. */
  readonly syncRunId: string | null;
}

/** Of one system, from every hand. */
const mostInAnHour = 30;

/**
 * Takes a package in: looks at it first, keeps nothing of one that cannot be read, and requests the run that reads it. The first one of a
 * system without a folder is its proof: it shows which of what was asked for the SIS gives.
 * @throws CrosswalkError `package-not-wanted`, `host-missing`, `host-not-confirmed`, `stopped-by-school`, `rate-limited`,
 *   `package-insufficient`, `package-…`, `csv-…`
 */
export async function takeInPackage(ctx: Context, coming: PackageComing): Promise<TakenIn> {
  const { schoolId, systemId } = coming;
  const inWork = <T>(work: (work: Work) => Promise<T>) => runWork(ctx, { schoolId }, work);
  const scopes = await inWork((work) => mayComeIn(work, coming));
  try {
    return await withPackageFile(coming.bytes, async (path) => {
      const inspected = await inspectPackage(path, scopes);
      const isProved = await inWork(async ({ tx }) => {
        const system = await systemInSchool(tx, schoolId, systemId);
        const [held] = await credentialsOf(tx, schoolId, systemId);
        return connectorById(system.connector).wayOfPackages(system.settings) !== 'upload' || suffices(held, scopes);
      });
      const { uploadId, bytes } = await storePackage(
        ctx,
        { ...coming, bytes: createReadStream(path) },
        async (work, id) => {
          work.audit({
            action: 'package.handed-in',
            subjectKind: 'system',
            subjectId: systemId,
            details: {
              uploadId: id,
              via: coming.via,
              as: coming.as,
              version: inspected.version,
              files: inspected.files.map(({ name }) => name),
            },
          });
          return null;
        },
      );
      if (!isProved) await proveBy(ctx, coming, inspected, scopes, uploadId);
      const syncRunId = await inWork(async (work) => {
        if (!(await mayBeAsked(work, { schoolId, systemId }))) return null;
        const run = await requestRun(work, {
          schoolId,
          systemId,
          trigger: 'import',
          requestedBy: coming.uploadedBy,
          uploadId,
        });
        await work.tx
          .update(rosterUpload)
          .set({ syncRunId: run.syncRunId })
          .where(and(eq(rosterUpload.id, uploadId), eq(rosterUpload.schoolId, schoolId)));
        return run.syncRunId;
      });
      return { ...inspected, uploadId, bytes, syncRunId };
    });
  } catch (error) {
    if (isCrosswalkError(error)) {
      const { code } = error;
      await inWork(async (work) => {
        work.audit({
          action: 'package.refused',
          subjectKind: 'system',
          subjectId: systemId,
          details: { via: coming.via, as: coming.as, code },
        });
      });
    }
    throw error;
  }
}

/** @returns the scopes that a package has to serve: what is granted or asked for, else what could be asked */
async function mayComeIn(work: Work, { schoolId, systemId }: PackageComing): Promise<Scope[]> {
  const { ctx, tx } = work;
  const system = await lockSystem(tx, schoolId, systemId);
  const connector = connectorById(system.connector);
  if (connector.source !== 'handed-in') throw new CrosswalkError('package-not-wanted');
  if ((await schoolRow(tx, schoolId)).stoppedAt !== null) throw new CrosswalkError('stopped-by-school');
  if (connector.wayOfPackages(system.settings) === null) throw new CrosswalkError('host-missing');
  if (system.hostConfirmedAt === null) throw new CrosswalkError('host-not-confirmed');
  const anHourAgo = new Date(ctx.clock.now().getTime() - 3_600_000);
  const [recent] = await tx
    .select({ count: sql<number>`count(*)::int` })
    .from(rosterUpload)
    .where(
      and(
        eq(rosterUpload.schoolId, schoolId),
        eq(rosterUpload.systemId, systemId),
        gt(rosterUpload.createdAt, anHourAgo),
      ),
    );
  if ((recent?.count ?? 0) >= mostInAnHour) throw new CrosswalkError('rate-limited', { retryAfterSeconds: 600 });
  return scopesToProve(work, system);
}

/** Lets the package that has come stand as the proof; where it lacks files that are needed nothing of it is kept. */
async function proveBy(
  ctx: Context,
  { schoolId, systemId, as }: PackageComing,
  { version, readable, counts }: Inspected,
  scopes: readonly Scope[],
  uploadId: string,
): Promise<void> {
  const marker = { handedIn: 'upload', version, readable: [...readable], counts };
  const { credentialId, farewells } = await runWork(ctx, { schoolId }, async (work) =>
    writeCredential(work, await lockSystem(work.tx, schoolId, systemId), marker, as),
  );
  await bidFarewell(ctx, farewells);
  const { proof } = await tryCredentialOutsideVerb(ctx, { schoolId, systemId, credentialId });
  if (proof?.ok === true) return;
  const results = proof?.results ?? [];
  // One that was proved before stays in use: a package for what is granted already is read, whatever a wider request would need.
  const [held] = await runWork(ctx, { schoolId }, ({ tx }) => credentialsOf(tx, schoolId, systemId));
  if (held?.state === 'proved' && results.some(({ ok }) => ok)) return;
  await dropPackage(ctx, { schoolId, uploadId });
  const missing = results.flatMap(({ details }) => (Array.isArray(details.files) ? details.files : []));
  const files = [...new Set(missing.filter((name) => typeof name === 'string').map(fileOfCollection))];
  throw new CrosswalkError('package-insufficient', { details: { files: files.join(', '), scopes } });
}

function fileOfCollection(collection: string): string {
  switch (collection) {
    case 'sites':
    case 'terms':
    case 'subjects':
    case 'groups':
    case 'enrolments':
    case 'demographics':
      return fileOf(collection).name;
    default:
      return fileOf('people').name;
  }
}
