import { and, eq, inArray, isNull, or } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { appUser, membership } from '#db/schema/index.ts';
import type { SchoolRole } from '#db/schema/vocabulary.ts';

/** Somebody who gets a mail. */
export interface Recipient {
  readonly userId: string;
  readonly name: string;
  readonly email: string;
  readonly locale: string;
}

const columns = { userId: appUser.id, name: appUser.name, email: appUser.email, locale: appUser.locale };

/** People of the school who hold one of the roles now, for this system or for all. */
export async function peopleWithRole(
  tx: Tx,
  schoolId: string,
  roles: readonly SchoolRole[],
  systemId: string | null,
): Promise<Recipient[]> {
  const rows = await tx
    .selectDistinct(columns)
    .from(membership)
    .innerJoin(appUser, eq(appUser.id, membership.userId))
    .where(
      and(
        eq(membership.schoolId, schoolId),
        inArray(membership.role, [...roles]),
        isNull(membership.endedAt),
        isNull(appUser.disabledAt),
        systemId === null ? undefined : or(isNull(membership.systemId), eq(membership.systemId, systemId)),
      ),
    );
  return rows.toSorted((a, b) => a.userId.localeCompare(b.userId));
}

/** Technical contacts of the system; where nobody is named, the school administrators, who can name one. */
export async function technicalContacts(tx: Tx, schoolId: string, systemId: string): Promise<Recipient[]> {
  const named = await peopleWithRole(tx, schoolId, ['technical-contact'], systemId);
  return named.length > 0 ? named : peopleWithRole(tx, schoolId, ['school-administrator'], null);
}

/** Approvers of the system; where nobody is one, the school administrators, who can name one. */
export async function approversOf(tx: Tx, schoolId: string, systemId: string): Promise<Recipient[]> {
  const named = await peopleWithRole(tx, schoolId, ['approver'], systemId);
  return named.length > 0 ? named : peopleWithRole(tx, schoolId, ['school-administrator'], null);
}

/** One account, as whoever asked is remembered on a request; null where it is disabled or there is none. */
export async function account(tx: Tx, userId: string | null): Promise<Recipient | null> {
  if (userId === null) return null;
  const [row] = await tx
    .select(columns)
    .from(appUser)
    .where(and(eq(appUser.id, userId), isNull(appUser.disabledAt)));
  return row ?? null;
}
