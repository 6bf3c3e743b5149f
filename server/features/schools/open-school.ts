import { randomInt } from 'node:crypto';
import { and, eq, sql } from 'drizzle-orm';
import { v7 } from 'uuid';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { organisation, registerEntry, school, site } from '#db/schema/index.ts';
import { newId } from '#server/kernel/ids.ts';
import type { SchoolDetails } from './school-details.ts';

/**
 * The id of a new school: a UUIDv7 whose time is drawn at random. An agent that names an existing school gets that
 * school's id in its addresses, and the true time in it would tell that somebody was there before.
 */
export function newSchoolId(now: Date): string {
  return v7({ msecs: randomInt(Date.UTC(2020, 0, 1), now.getTime()) });
}

/** Two at once that name one school wait for each other; released with the transaction. */
export async function lockRegisterNumber(tx: Tx, register: string, registerNumber: string): Promise<void> {
  await tx.execute(
    sql`select pg_advisory_xact_lock(hashtextextended(${`school register ${register} ${registerNumber}`}, 11))`,
  );
}

const found = z.array(z.object({ id: z.uuid().nullable() }));

/** The school behind a register number, or null. The caller must not let an agent learn of it. */
export async function schoolByRegister(tx: Tx, register: string, registerNumber: string): Promise<string | null> {
  const rows = found.parse(
    await tx.execute(sql`select across.school_by_register(${register}, ${registerNumber}) as id`),
  );
  return rows[0]?.id ?? null;
}

/** The mail domain that the imported register gives, or null. */
export async function registerDomainOf(tx: Tx, register: SchoolDetails['register'], registerNumber: string) {
  const entry = await tx.query.registerEntry.findFirst({
    where: and(eq(registerEntry.register, register), eq(registerEntry.registerNumber, registerNumber)),
  });
  return entry?.domain ?? null;
}

/** Makes the tenant: organisation, school, sites. The transaction must be in the new school's scope. Unverified. */
export async function openSchool(
  tx: Tx,
  schoolId: string,
  details: Pick<SchoolDetails, 'name' | 'register' | 'registerNumber' | 'country' | 'timeZone' | 'sites'>,
): Promise<void> {
  const { name, register, registerNumber, country, timeZone, sites } = details;
  await tx.insert(organisation).values({ id: schoolId, kind: 'school', name, country });
  await tx.insert(school).values({
    id: schoolId,
    name,
    register,
    registerNumber,
    country,
    timeZone,
    registerDomain: await registerDomainOf(tx, register, registerNumber),
  });
  if (sites.length > 0) await tx.insert(site).values(sites.map((entry) => ({ id: newId(), schoolId, ...entry })));
}
