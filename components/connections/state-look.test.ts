import { describe, expect, it } from 'vitest';
import messages from '#messages/en/connections.json' with { type: 'json' };
import { allCauses } from '#server/features/connections/state-machine.ts';
import { lookOfConnection } from './state-look.ts';

describe('how a connection looks', () => {
  it('says with a live edge whether somebody must act', () => {
    expect(lookOfConnection('live', 'in-sync', 'nobody')).toBe('live');
    expect(lookOfConnection('live', 'sync-held', 'school-administrator')).toBe('wait');
  });

  it('shows a refusal while connecting as one', () => {
    expect(lookOfConnection('connecting', 'first-sync', 'crosswalk')).toBe('wait');
    expect(lookOfConnection('connecting', 'proof-refused', 'technical-contact')).toBe('fail');
  });

  it('has words for every cause', () => {
    expect(Object.keys(messages.cause).toSorted()).toEqual([...allCauses].toSorted());
  });
});
