import { stringify } from 'csv-stringify/sync';
import { asc, desc, eq } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { appUser, connection, grant, organisation, site, system } from '#db/schema/index.ts';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { spreadsheetSafe } from '#server/kernel/spreadsheet-safe.ts';
import { defineVerb } from '#server/kernel/verb.ts';

/** One line of the register: who had what of which system, what for, from when until when. */
export interface RegisterLine {
  readonly recipient: string;
  readonly recipientKind: 'marketplace' | 'lms' | 'app';
  readonly system: string;
  readonly systemKind: 'sis' | 'lms';
  readonly state: string;
  readonly data: readonly string[];
  readonly sites: readonly string[];
  /** Streams, subjects and groups to which it is narrowed, by the source's ids; single fields that are left out. */
  readonly onlyIn: readonly string[];
  readonly withoutFields: readonly string[];
  readonly way: 'pull' | 'push' | 'direct' | null;
  readonly purpose: string;
  readonly legalBasis: 'agreement-and-consent';
  readonly releasedBy: string;
  readonly from: Date;
  readonly until: string;
  readonly ended: Date | null;
  readonly endReason: string | null;
  readonly lastSupplied: Date | null;
  readonly grantId: string;
  readonly connectionId: string;
}

async function readRegister(tx: Tx, schoolId: string): Promise<RegisterLine[]> {
  const consumer = alias(system, 'consumer');
  const rows = await tx
    .select({ grant, connection, system, consumerName: consumer.name, releasedBy: appUser.name })
    .from(grant)
    .innerJoin(connection, eq(connection.id, grant.connectionId))
    .innerJoin(system, eq(system.id, connection.producerSystemId))
    .leftJoin(consumer, eq(consumer.id, connection.consumerSystemId))
    .leftJoin(appUser, eq(appUser.id, grant.grantedBy))
    .where(eq(grant.schoolId, schoolId))
    .orderBy(desc(grant.validFrom), desc(grant.id));
  const [operator] = await tx
    .select({ name: organisation.name })
    .from(organisation)
    .where(eq(organisation.kind, 'operator'))
    .orderBy(asc(organisation.createdAt))
    .limit(1);
  const sites = new Map(
    (await tx.select().from(site).where(eq(site.schoolId, schoolId))).map((row) => [row.id, row.name]),
  );
  return rows.map((row) => ({
    recipient: row.connection.consumerKind === 'marketplace' ? (operator?.name ?? '') : (row.consumerName ?? ''),
    recipientKind: row.connection.consumerKind,
    system: row.system.name,
    systemKind: row.system.kind,
    state: row.grant.endedAt === null ? row.connection.state : 'ended',
    data: row.grant.scopes,
    sites: row.grant.sharingRule.sites.map((id) => sites.get(id) ?? id),
    onlyIn: [...row.grant.sharingRule.streams, ...row.grant.sharingRule.subjects, ...row.grant.sharingRule.groups],
    withoutFields: row.grant.withoutFields,
    way: row.connection.way,
    purpose: row.grant.purpose,
    legalBasis: 'agreement-and-consent',
    releasedBy: row.releasedBy ?? '',
    from: row.grant.validFrom,
    until: row.grant.validUntil,
    ended: row.grant.endedAt,
    endReason: row.grant.endReason,
    lastSupplied: row.connection.lastReceivedAt,
    grantId: row.grant.id,
    connectionId: row.connection.id,
  }));
}

const access = [{ school: schoolRoles }] as const;

/** The register of who has what (GDPR art. 30), every grant that ever was, newest first. */
export const registerOfAccess = defineVerb({
  name: 'connections.register',
  kind: 'query',
  access,
  input: z.object({ schoolId: idSchema }),
  run: ({ tx, input: { schoolId } }) => readRegister(tx, schoolId),
});

/** The register as a file to keep: CSV (RFC 4180, formula-like text neutralised) or JSON. */
export const exportRegister = defineVerb({
  name: 'connections.export-register',
  kind: 'command',
  access,
  input: z.object({ schoolId: idSchema, format: z.enum(['csv', 'json']) }),
  async run({ ctx, tx, audit, input: { schoolId, format } }) {
    const lines = await readRegister(tx, schoolId);
    const day = ctx.clock.now().toISOString().slice(0, 10);
    audit({
      action: 'register.exported',
      subjectKind: 'school',
      subjectId: schoolId,
      details: { format, lines: lines.length },
    });
    if (format === 'json') {
      return {
        fileName: `register-${day}.json`,
        contentType: 'application/json',
        body: JSON.stringify({ schoolId, exportedAt: ctx.clock.now(), lines }, null, 2),
      };
    }
    const flat = lines.map((line) => ({
      ...line,
      data: line.data.join('; '),
      sites: line.sites.join('; '),
      onlyIn: line.onlyIn.join('; '),
      withoutFields: line.withoutFields.join('; '),
      way: line.way ?? '',
      from: line.from.toISOString(),
      ended: line.ended?.toISOString() ?? '',
      endReason: line.endReason ?? '',
      lastSupplied: line.lastSupplied?.toISOString() ?? '',
    }));
    const columns = [
      'recipient',
      'recipientKind',
      'system',
      'systemKind',
      'state',
      'data',
      'sites',
      'onlyIn',
      'withoutFields',
      'way',
      'purpose',
      'legalBasis',
      'releasedBy',
      'from',
      'until',
      'ended',
      'endReason',
      'lastSupplied',
      'grantId',
      'connectionId',
    ];
    return {
      fileName: `register-${day}.csv`,
      contentType: 'text/csv; charset=utf-8',
      body: stringify(flat, {
        header: true,
        columns,
        bom: true,
        cast: { string: spreadsheetSafe },
        record_delimiter: 'windows',
      }),
    };
  },
});
