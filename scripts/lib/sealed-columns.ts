import type postgres from 'postgres';
import { z } from 'zod';
import { placeOfSecret, placeOfTokens, placeOfVerifier } from '#server/features/connections/credential-places.ts';
import { placeOfClientSecret } from '#server/features/consumers/client-secret.ts';
import { sealedTotpPlace } from '#server/features/people/second-factor.ts';
import type { SealedPlace } from '#server/kernel/sealed.ts';

interface SealedColumn {
  readonly table: string;
  readonly column: string;
  /** Primary key's column. */
  readonly key: string;
  /** The places of all rows that hold a secret, as the owner sees them. */
  places(sql: postgres.Sql): Promise<SealedPlace[]>;
}

const systemRows = z.array(z.object({ id: z.string(), school_id: z.string(), origins: z.array(z.string()) }));
const schoolRows = z.array(z.object({ id: z.string(), school_id: z.string() }));
const idRows = z.array(z.object({ id: z.string(), school_id: z.string().nullable() }));

/** Every column that holds sealed values, with the place at which each of its rows is sealed. A test finds what is missing here. */
export const sealedColumns: readonly SealedColumn[] = [
  {
    table: 'credential',
    column: 'sealed',
    key: 'id',
    places: async (sql) =>
      systemRows
        .parse(
          await sql`select c.id, c.school_id, s.origins from credential c join system s on s.id = c.system_id and s.school_id = c.school_id
                     where c.sealed is not null`,
        )
        .map((row) => placeOfSecret({ schoolId: row.school_id, credentialId: row.id, origins: row.origins })),
  },
  {
    table: 'credential',
    column: 'sealed_tokens',
    key: 'id',
    places: async (sql) =>
      systemRows
        .parse(
          await sql`select c.id, c.school_id, s.origins from credential c join system s on s.id = c.system_id and s.school_id = c.school_id
                     where c.sealed_tokens is not null`,
        )
        .map((row) => placeOfTokens({ schoolId: row.school_id, credentialId: row.id, origins: row.origins })),
  },
  {
    table: 'oauth_attempt',
    column: 'sealed_verifier',
    key: 'id',
    places: async (sql) =>
      systemRows
        .parse(
          await sql`select a.id, a.school_id, s.origins from oauth_attempt a join system s on s.id = a.system_id and s.school_id = a.school_id
                     where a.sealed_verifier is not null`,
        )
        .map((row) => placeOfVerifier(row.school_id, row.id, row.origins)),
  },
  {
    table: 'consumer_secret',
    column: 'sealed',
    key: 'id',
    places: async (sql) =>
      schoolRows
        .parse(await sql`select id, school_id from consumer_secret where sealed is not null`)
        .map((row) => placeOfClientSecret(row.school_id, row.id)),
  },
  {
    table: 'totp',
    column: 'sealed_secret',
    key: 'user_id',
    places: async (sql) =>
      idRows.parse(await sql`select user_id as id, null as school_id from totp`).map((row) => sealedTotpPlace(row.id)),
  },
  {
    table: 'mail',
    column: 'sealed_parameters',
    key: 'id',
    places: async (sql) =>
      idRows.parse(await sql`select id, school_id from mail where sealed_parameters is not null`).map((row) => ({
        table: 'mail',
        column: 'sealed_parameters',
        schoolId: row.school_id,
        rowId: row.id,
        origin: null,
      })),
  },
];
