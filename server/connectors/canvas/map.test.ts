import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDeviations } from '../exchange/deviations.ts';
import { courseOf } from './map.ts';

const names = { accounts: new Map([['101', 'Lindenhof College']]), terms: new Map([['21', '2026/2027']]) };
const fixture: unknown = JSON.parse(readFileSync(new URL('./fixtures/course.json', import.meta.url), 'utf8'));

describe('a Canvas course in our words', () => {
  it('by the book: nothing else of it is read', () => {
    const deviations = createDeviations();
    expect(courseOf(fixture, names, deviations)).toEqual({
      record: {
        sourceId: '10070000000000081',
        name: 'Biology H4-NT & friends',
        code: 'biol-H4NT',
        sisId: 'co-7',
        state: 'available',
        termName: '2026/2027',
        accountName: 'Lindenhof College',
        modifiedAt: null,
        deleted: false,
      },
    });
    expect(deviations.list()).toEqual([]);
  });

  it('tells an SIS id that may not be seen from one that is not there', () => {
    const seen = createDeviations();
    courseOf({ id: '1', name: 'A', sis_course_id: null }, names, seen);
    expect(seen.list()).toEqual([]);
    courseOf({ id: '1', name: 'A' }, names, seen);
    expect(seen.list()).toEqual(['sis-id-not-visible']);
  });

  it('any value at all gives one course or one reason', () => {
    const anyCourse = fc.dictionary(
      fc.constantFrom('id', 'name', 'course_code', 'sis_course_id', 'workflow_state', 'account_id', '__proto__'),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), anyCourse), (raw) => {
        const outcome = courseOf(raw, names, createDeviations());
        expect('record' in outcome ? outcome.record.name : outcome.setAside.reason).toEqual(expect.any(String));
      }),
    );
  });
});
