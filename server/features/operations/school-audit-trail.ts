import { and, desc, eq, gte, ilike, inArray, like, lt, or } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { appUser, auditEntry, connection, credential, request, system } from '#db/schema/index.ts';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { toHex } from '#server/kernel/audit-entry.ts';
import { exportChain, verifyChain } from '#server/kernel/audit-verify.ts';
import { loadEnvironment } from '#server/kernel/env.ts';
import { idSchema, isId } from '#server/kernel/ids.ts';
import { headSigner, loadSignedHeads } from '#server/kernel/signed-heads.ts';
import { defineLongVerb, defineVerb } from '#server/kernel/verb.ts';
import { activityAreas, prefixesOfArea } from './activity-areas.ts';

const perPage = 50;

/**
 * What was decided and done at the school, the newest entry first; every role of the school may read it. Filters by area, by
 * who acted (a person or Crosswalk itself; a part of the name) and by day (UTC, both inclusive). What an entry is about has
 * its name where it still has one.
 */
export const schoolAuditTrail = defineVerb({
  name: 'operations.school-audit-trail',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({
    schoolId: idSchema,
    area: z.enum(activityAreas).optional(),
    by: z.enum(['people', 'crosswalk']).optional(),
    who: z
      .string()
      .max(200)
      .default('')
      .transform((text) => text.replaceAll('\0', '').trim()),
    from: z.iso.date().optional(),
    until: z.iso.date().optional(),
    /** `seq` of the last entry shown; older ones follow. */
    cursor: z.int().positive().optional(),
  }),
  run: async ({ tx, input }) => {
    const prefixes = input.area === undefined ? [] : prefixesOfArea[input.area];
    const rows = await tx
      .select()
      .from(auditEntry)
      .where(
        and(
          eq(auditEntry.chainId, input.schoolId),
          input.cursor === undefined ? undefined : lt(auditEntry.seq, input.cursor),
          or(...prefixes.map((prefix) => like(auditEntry.action, `${prefix}.%`))),
          input.by === undefined
            ? undefined
            : inArray(auditEntry.actorKind, input.by === 'people' ? ['user', 'link'] : ['job', 'system']),
          input.who === '' ? undefined : ilike(auditEntry.actorName, `%${input.who.replaceAll(/[\\%_]/g, '\\$&')}%`),
          input.from === undefined ? undefined : gte(auditEntry.at, new Date(`${input.from}T00:00:00Z`)),
          input.until === undefined ? undefined : lt(auditEntry.at, dayAfter(input.until)),
        ),
      )
      .orderBy(desc(auditEntry.seq))
      .limit(perPage + 1);
    const shown = rows.slice(0, perPage);
    const names = await namesOf(tx, shown);
    return {
      entries: shown.map((row) => ({
        id: row.id,
        seq: row.seq,
        at: row.at,
        actorKind: row.actorKind,
        actorName: row.actorName,
        action: row.action,
        subjectKind: row.subjectKind,
        subjectId: row.subjectId,
        subjectName: row.subjectId === null ? null : (names.get(row.subjectId) ?? null),
        details: row.details,
        hash: toHex(row.hash),
      })),
      next: rows.length > perPage ? (shown.at(-1)?.seq ?? null) : null,
    };
  },
});

/** Walks the school's whole chain and says whether it is sound, or which entry is the first that is not. */
export const verifySchoolAuditTrail = defineLongVerb({
  name: 'operations.verify-school-audit-trail',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({ schoolId: idSchema }),
  run: async ({ ctx, input: { schoolId }, transact }) => {
    const environment = loadEnvironment();
    const heads = await loadSignedHeads(environment);
    const verdict = await transact(({ tx }) => verifyChain(tx, schoolId, heads), { schoolId });
    const facts = {
      at: ctx.clock.now(),
      signedHeads: heads.byChain.get(schoolId)?.length ?? 0,
      /** What an export is verified with; to be kept apart from it. */
      publicKeys: environment.masterKeys.map((master) => {
        const { keyId, publicKey } = headSigner(master);
        return { keyId, pem: publicKey.export({ format: 'pem', type: 'spki' }).toString() };
      }),
    };
    if (!verdict.ok) return { ok: false as const, firstBad: verdict.firstBad, ...facts };
    return { ok: true as const, entries: verdict.entries, ...facts };
  },
});

/** The school's chain as JSON lines that anybody can verify with the public key, without Crosswalk. */
export const exportSchoolAuditTrail = defineLongVerb({
  name: 'operations.export-school-audit-trail',
  kind: 'command',
  access: [{ school: ['school-administrator', 'approver'] }],
  input: z.object({ schoolId: idSchema }),
  run: async ({ ctx, input: { schoolId }, transact }) => {
    const heads = await loadSignedHeads(loadEnvironment());
    const at = ctx.clock.now();
    const lines = await transact(
      async ({ tx, audit }) => {
        const read: string[] = [];
        for await (const line of exportChain(tx, schoolId, { at, signedHeads: heads })) read.push(line);
        audit({
          action: 'audit.exported',
          subjectKind: 'school',
          subjectId: schoolId,
          details: { lines: read.length },
        });
        return read;
      },
      { schoolId },
    );
    return {
      fileName: `audit-${at.toISOString().slice(0, 10)}.jsonl`,
      contentType: 'application/jsonl; charset=utf-8',
      body: lines.join(''),
    };
  },
});

const dayAfter = (day: string) => new Date(new Date(`${day}T00:00:00Z`).getTime() + 86_400_000);

interface Subject {
  readonly subjectKind: string;
  readonly subjectId: string | null;
}

/** Names by id: people’s own, and the system’s for whatever concerns one (a connection, a request, a credential). */
async function namesOf(tx: Tx, entries: readonly Subject[]): Promise<Map<string, string>> {
  const ids = (kind: string) => [
    ...new Set(
      entries.flatMap((entry) => (entry.subjectKind === kind && isId(entry.subjectId) ? entry.subjectId : [])),
    ),
  ];
  const systems = await tx
    .select({ id: system.id, name: system.name })
    .from(system)
    .where(inArray(system.id, ids('system')));
  const people = await tx
    .select({ id: appUser.id, name: appUser.name })
    .from(appUser)
    .where(inArray(appUser.id, ids('user')));
  const connections = await tx
    .select({ id: connection.id, name: system.name })
    .from(connection)
    .innerJoin(system, eq(system.id, connection.producerSystemId))
    .where(inArray(connection.id, ids('connection')));
  const requests = await tx
    .select({ id: request.id, name: system.name })
    .from(request)
    .innerJoin(connection, eq(connection.id, request.connectionId))
    .innerJoin(system, eq(system.id, connection.producerSystemId))
    .where(inArray(request.id, ids('request')));
  const credentials = await tx
    .select({ id: credential.id, name: system.name })
    .from(credential)
    .innerJoin(system, eq(system.id, credential.systemId))
    .where(inArray(credential.id, ids('credential')));
  return new Map(
    [...systems, ...people, ...connections, ...requests, ...credentials].map(({ id, name }) => [id, name]),
  );
}
