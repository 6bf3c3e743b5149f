import { createHmac } from 'node:crypto';

/**
 * The four roles of DESIGN.md §10 (1). `owner` owns every table and cannot log in; `migrator` logs in and becomes owner;
 * `web` and `sync` are what runs, held by row-level security.
 */
export const databaseRoles = {
  owner: 'crosswalk_owner',
  migrator: 'crosswalk_migrator',
  web: 'crosswalk_web',
  sync: 'crosswalk_sync',
} as const;

export type LoginRole = 'migrator' | 'web' | 'sync';

/** The password of a role that we made ourselves: derived, so that every process that knows the master key can log in. */
export function rolePassword(masterKey: string, role: LoginRole): string {
  return createHmac('sha256', masterKey).update(`crosswalk database role ${databaseRoles[role]}`).digest('base64url');
}

/** The same server and database as `adminUrl`, as another role. */
export function urlForRole(adminUrl: string, masterKey: string, role: LoginRole): string {
  const url = new URL(adminUrl);
  url.username = databaseRoles[role];
  url.password = rolePassword(masterKey, role);
  return url.toString();
}
