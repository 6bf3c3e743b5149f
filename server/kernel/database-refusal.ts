import { CrosswalkError, type ErrorCode } from './errors.ts';

/**
 * SQLSTATEs that our own triggers raise (db/migrations/0001_security.sql): class CW, the last line behind every verb; and a lock that a run
 * which is being applied holds, where a verb waits for it with a `lock_timeout`.
 */
const codes: Readonly<Record<string, ErrorCode>> = {
  CW001: 'agreement-not-in-force',
  CW002: 'conflict-of-interest',
  CW003: 'school-not-trusted',
  CW004: 'people-not-grantable',
  CW005: 'request-not-approved',
  CW006: 'credential-not-proved',
  CW007: 'changed-meanwhile',
  '55P03': 'sync-under-way',
};

/** The refusal of a trigger as the error that the verb itself would have raised; anything else as it came. */
export function explainDatabaseRefusal(error: unknown): unknown {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth += 1) {
    const code = 'code' in cause && typeof cause.code === 'string' ? codes[cause.code] : undefined;
    if (code !== undefined && !(cause instanceof CrosswalkError)) {
      return new CrosswalkError(code, { details: { by: 'database' }, cause: error });
    }
  }
  return error;
}
