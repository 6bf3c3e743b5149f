import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addDays, daysBetween, localDate } from '#server/kernel/local-date.ts';
import { defaultUntil, isOver } from './term.ts';

describe('terms of grants', () => {
  it('end on 30 September after the school year', () => {
    expect(defaultUntil('2026-03-02')).toBe('2026-09-30');
    expect(defaultUntil('2026-07-31')).toBe('2026-09-30');
    expect(defaultUntil('2026-08-01')).toBe('2027-09-30');
    expect(defaultUntil('2026-12-31')).toBe('2027-09-30');
  });

  it('last through the whole of their last day where the school is', () => {
    // Half past midnight on 1 October in Amsterdam is still 30 September in UTC.
    expect(isOver('2026-09-30', 'Europe/Amsterdam', new Date('2026-09-30T21:59:59Z'))).toBe(false);
    expect(isOver('2026-09-30', 'Europe/Amsterdam', new Date('2026-09-30T22:00:00Z'))).toBe(true);
    expect(isOver('2026-09-30', 'America/Los_Angeles', new Date('2026-10-01T06:59:59Z'))).toBe(false);
    expect(isOver('2026-09-30', 'America/Los_Angeles', new Date('2026-10-01T07:00:00Z'))).toBe(true);
    expect(localDate(new Date('2026-09-30T10:00:00Z'), 'Pacific/Kiritimati')).toBe('2026-10-01');
  });

  it('count days as a calendar does', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('2020-01-01'), max: new Date('2040-01-01'), noInvalidDate: true }),
        fc.integer({ min: -2000, max: 2000 }),
        (at, days) => {
          const day = at.toISOString().slice(0, 10);
          expect(daysBetween(day, addDays(day, days))).toBe(days);
        },
      ),
    );
    expect(addDays('2024-02-28', 2)).toBe('2024-03-01');
  });
});
