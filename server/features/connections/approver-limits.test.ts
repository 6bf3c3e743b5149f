import { describe, expect, it } from 'vitest';
import type { Party } from '#server/kernel/access.ts';
import type { Membership } from '#server/kernel/context.ts';
import { approverReach, assertWithinReach } from './approver-limits.ts';

const membership = (limits: Partial<Membership>): Membership => ({
  organisationId: 's',
  schoolId: 's',
  role: 'approver',
  systemId: null,
  siteId: null,
  ...limits,
});
const party = (...memberships: Membership[]): Party => ({ as: 'school', schoolId: 's', agentId: null, memberships });
const limited = expect.objectContaining({ code: 'approver-limited' });

describe('the reach of an approver', () => {
  it('is all for one without limits, or for his own system', () => {
    expect(approverReach(party(membership({})), 'sis')).toEqual({ kind: 'all' });
    expect(approverReach(party(membership({ systemId: 'sis' })), 'sis')).toEqual({ kind: 'all' });
  });

  it('is nothing for another system, and another role gives none', () => {
    expect(() => approverReach(party(membership({ systemId: 'lms' })), 'sis')).toThrow(limited);
    expect(() => approverReach(party(membership({ role: 'school-administrator' })), 'sis')).toThrow(limited);
  });

  it('adds up sites, and a whole one outweighs them', () => {
    const north = membership({ siteId: 'north' });
    const south = membership({ siteId: 'south' });
    expect(approverReach(party(north, south), 'sis')).toEqual({ kind: 'sites', siteIds: ['north', 'south'] });
    expect(approverReach(party(north, membership({})), 'sis')).toEqual({ kind: 'all' });
  });

  it('holds a decision to the sites', () => {
    const reach = { kind: 'sites', siteIds: ['north'] } as const;
    expect(() => assertWithinReach(reach, ['north'])).not.toThrow();
    expect(() => assertWithinReach(reach, [])).toThrow(limited);
    expect(() => assertWithinReach(reach, ['north', 'south'])).toThrow(limited);
    expect(() => assertWithinReach({ kind: 'all' }, [])).not.toThrow();
  });
});
