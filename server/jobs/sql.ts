import postgres from 'postgres';

/**
 * A pool for the executor's and the relay's own tables, with moments as `Date` (the driver that Drizzle wraps gives text).
 * Never for a tenant's rows: those are the features' to read.
 */
export function openJobsSql(url: string, max: number): postgres.Sql {
  return postgres(url, {
    max,
    idle_timeout: 60,
    connect_timeout: 10,
    onnotice: () => undefined,
    connection: { application_name: 'crosswalk worker' },
  });
}
