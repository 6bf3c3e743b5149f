import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultRules } from '#server/roster/guard.ts';
import { breaksBetween, ownRules, problemsOfBlackouts, problemsOfRules } from './settings-rules.ts';

const quiet = (from: string, until: string, label = 'Holidays') => ({ from, until, label });
const words = (found: readonly { path: string; problem: string }[]) =>
  found.map(({ path, problem }) => `${path}:${problem}`);

describe('days without syncs', () => {
  it('may follow one another, and may be one day', () => {
    expect(
      problemsOfBlackouts([
        quiet('2026-07-01', '2026-07-31'),
        quiet('2026-08-01', '2026-08-01'),
        quiet('2026-06-01', '2026-06-30'),
      ]),
    ).toEqual([]);
  });

  it('say what is wrong where it is wrong', () => {
    expect(
      words(
        problemsOfBlackouts([
          quiet('2026-07-01', '2026-07-31'),
          quiet('2026-07-31', '2026-08-02'),
          quiet('2026-09-02', '2026-09-01'),
          quiet('2026-02-30', '2026-03-01', ' '),
        ]),
      ),
    ).toEqual(['2.until:reversed', '3.label:label-missing', '3.from:day-unknown', '1.from:overlaps']);
  });

  it('are refused exactly where two share a day', () => {
    const day = fc.integer({ min: 0, max: 60 });
    const text = (n: number) => new Date(Date.UTC(2026, 0, 1 + n)).toISOString().slice(0, 10);
    fc.assert(
      fc.property(fc.array(fc.tuple(day, fc.integer({ min: 0, max: 9 })), { maxLength: 8 }), (spans) => {
        const days = spans.flatMap(([first, more]) => Array.from({ length: more + 1 }, (_, n) => first + n));
        const shared = new Set(days).size < days.length;
        const found = problemsOfBlackouts(spans.map(([first, more]) => quiet(text(first), text(first + more))));
        expect(found.length > 0).toBe(shared);
      }),
    );
  });
});

describe('breaks between terms', () => {
  const term = (name: string, startsOn: string, endsOn: string, kind = 'term') => ({ name, startsOn, endsOn, kind });

  it('are the days between two terms, and weekends are none', () => {
    expect(
      breaksBetween(
        [
          term('2026/27', '2026-08-01', '2027-08-01', 'schoolYear'),
          term('Spring', '2027-01-11', '2027-03-27'),
          term('Autumn', '2026-08-24', '2026-12-19'),
          term('Summer', '2027-03-29', '2027-07-10'),
        ],
        '2026-10-01',
      ),
    ).toEqual([{ from: '2026-12-19', until: '2027-01-10', after: 'Autumn', before: 'Spring' }]);
  });

  it('are none where terms overlap or lie behind us, and never overlap one another', () => {
    expect(
      breaksBetween([term('A', '2025-08-01', '2025-12-01'), term('B', '2026-01-10', '2026-06-01')], '2026-03-01'),
    ).toEqual([]);
    const day = fc.integer({ min: 0, max: 400 });
    const text = (n: number) => new Date(Date.UTC(2026, 0, 1 + n)).toISOString().slice(0, 10);
    fc.assert(
      fc.property(fc.array(fc.tuple(day, day), { maxLength: 10 }), (spans) => {
        const found = breaksBetween(
          spans.map(([first, more], n) => term(`T${n}`, text(first), text(first + more))),
          '2025-01-01',
        );
        expect(problemsOfBlackouts(found.map(({ from, until }) => quiet(from, until)))).toEqual([]);
      }),
    );
  });
});

describe('thresholds', () => {
  const sites = new Set(['north']);
  const rule = { collection: 'students', site: 'north', kind: 'gone', share: 0.2, atLeast: 5 } as const;

  it('say what is wrong where it is wrong', () => {
    expect(problemsOfRules([rule], { kind: 'sis', sites })).toEqual([]);
    expect(
      words(
        problemsOfRules(
          [
            rule,
            { ...rule, share: 0.3 },
            { ...rule, site: 'moon', kind: 'changed', share: 1.01 },
            { ...rule, collection: 'courses', site: null, atLeast: 0 },
          ],
          { kind: 'sis', sites },
        ),
      ),
    ).toEqual([
      '1.kind:rule-twice',
      '2.site:site-unknown',
      '2.share:share-range',
      '3.collection:collection-unknown',
      '3.atLeast:count-range',
    ]);
  });

  it('that say what the default says are none of the school', () => {
    expect(ownRules([...defaultRules, rule])).toEqual([rule]);
    expect(ownRules([{ collection: null, site: null, kind: 'gone', share: 0.2, atLeast: 1 }])).toHaveLength(1);
  });
});
