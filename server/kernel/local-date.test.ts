import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addDays, daysBetween, localDate } from './local-date.ts';

describe('calendar days', () => {
  it('depend on where the school is', () => {
    const moment = new Date('2026-07-31T22:30:00Z');
    expect(localDate(moment, 'Europe/Amsterdam')).toBe('2026-08-01');
    expect(localDate(moment, 'America/New_York')).toBe('2026-07-31');
    expect(localDate(moment, 'Pacific/Kiritimati')).toBe('2026-08-01');
  });

  it('count over months, leap days and summer time', () => {
    expect(addDays('2028-02-28', 2)).toBe('2028-03-01');
    expect(daysBetween('2026-03-28', '2026-03-30')).toBe(2);
    fc.assert(
      fc.property(fc.integer({ min: -4000, max: 4000 }), (days) => {
        expect(daysBetween('2026-10-25', addDays('2026-10-25', days))).toBe(days);
      }),
    );
  });
});
