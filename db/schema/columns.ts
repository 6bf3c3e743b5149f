import { sql } from 'drizzle-orm';
import { type AnyPgColumn, check, customType, timestamp, uuid } from 'drizzle-orm/pg-core';
import { newId } from '../../server/kernel/ids.ts';

/** Primary key: UUIDv7, made by us so that a verb knows the id before it writes. */
export const id = () => uuid('id').primaryKey().$defaultFn(newId);

/** A moment, always with time zone, as a `Date`. */
export const moment = (name: string) => timestamp(name, { withTimezone: true, mode: 'date', precision: 3 });

export const createdAt = () => moment('created_at').notNull().defaultNow();

export const bytea = customType<{ data: Buffer; driverData: Buffer }>({ dataType: () => 'bytea' });

/** Text in the order of its code points, whatever the database's own order is: a prefix is a range. */
export const codePointText = customType<{ data: string; driverData: string }>({ dataType: () => 'text collate "C"' });

/** A CHECK that holds a text column to a vocabulary of `vocabulary.ts`. */
export const oneOf = (name: string, column: AnyPgColumn, words: readonly string[]) =>
  check(name, sql`${column} in (${sql.raw(words.map((word) => `'${word.replaceAll("'", "''")}'`).join(', '))})`);
