import type { WireRole } from '#server/protocols/oneroster/wire.ts';
import type { References } from './references.ts';

/** A person's roles as they rest: each `role|roleType|site|beginsOn|endsOn`. */
interface Told {
  readonly told: readonly string[];
  /** Roles that the grant names; others are not told. */
  readonly words: readonly string[];
  /** What he is, in the grant, where his roles name no site of it. */
  readonly kind: string;
  readonly primarySite: string | null;
}

/** The roles that a consumer is told: in sites of the grant, one of each site the primary one. Somebody is never without any. Pure. */
export function rolesOf({ told, words, kind, primarySite }: Told, { sites, rootSite }: References): WireRole[] {
  const roles: { role: string; type: string; orgId: string; beginsOn: string | null; endsOn: string | null }[] = [];
  for (const text of told) {
    const [role = '', type = '', site = '', begins = '', ends = ''] = text.split('|');
    const orgId = sites.get(site);
    if (orgId === undefined || !words.includes(role)) continue;
    roles.push({ role, type, orgId, beginsOn: begins === '' ? null : begins, endsOn: ends === '' ? null : ends });
  }
  if (roles.length === 0) {
    const orgId = (primarySite === null ? undefined : sites.get(primarySite)) ?? rootSite;
    return orgId === null ? [] : [{ role: kind, isPrimary: true, orgId, beginsOn: null, endsOn: null }];
  }
  const primary = new Map<string, number>();
  for (const [index, { type, orgId }] of roles.entries()) {
    const at = primary.get(orgId);
    if (at === undefined || (type === 'primary' && roles[at]?.type !== 'primary')) primary.set(orgId, index);
  }
  return roles.map(({ type: _, ...role }, index) => ({ ...role, isPrimary: primary.get(role.orgId) === index }));
}
