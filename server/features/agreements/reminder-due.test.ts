import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addDays } from '#server/kernel/local-date.ts';
import { reminderDue } from './reminder-due.ts';

const end = '2027-07-31';

describe('reminders before the end of an agreement', () => {
  it('stand at 90, 30 and 7 days', () => {
    const occasion = (daysLeft: number) => reminderDue(addDays(end, -daysLeft), end, '2026-08-01')?.occasion ?? null;
    expect([91, 90, 31, 30, 8, 7, 0, -1].map(occasion)).toEqual([
      null,
      '90-days',
      '90-days',
      '30-days',
      '30-days',
      '7-days',
      '7-days',
      null,
    ]);
  });

  it('are three at most however often and irregularly somebody looks', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -5, max: 200 }), { maxLength: 60 }), (looks) => {
        const seen = new Set(
          looks.map((daysLeft) => reminderDue(addDays(end, -daysLeft), end, '2026-08-01')?.occasion).filter(Boolean),
        );
        expect(seen.size).toBeLessThanOrEqual(3);
      }),
    );
  });

  it('are not sent for an agreement that came into force after their day', () => {
    expect(reminderDue(addDays(end, -50), end, addDays(end, -60))).toMatchObject({ occasion: '90-days', send: false });
    expect(reminderDue(addDays(end, -20), end, addDays(end, -60))).toMatchObject({ occasion: '30-days', send: true });
  });
});
