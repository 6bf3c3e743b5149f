import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDeviations } from '../exchange/deviations.ts';
import { courseOf } from './map.ts';

const fixture: unknown = JSON.parse(readFileSync(new URL('./fixtures/course.json', import.meta.url), 'utf8'));

describe('a Moodle course in our words', () => {
  it('by the book: nothing else of it is read', () => {
    const deviations = createDeviations();
    expect(courseOf(fixture, deviations)).toEqual({
      record: {
        sourceId: '5',
        name: 'Biology & Ecology',
        code: 'BIO',
        sisId: 'BIO & ECO/1',
        state: 'visible',
        termName: null,
        accountName: 'Mathematics & Science',
        modifiedAt: new Date('2026-08-01T00:00:00Z'),
        deleted: false,
      },
    });
    expect(deviations.list()).toEqual([]);
  });

  it('an id number that is left out is not an empty one', () => {
    const deviations = createDeviations();
    courseOf({ id: 2, fullname: 'A', idnumber: '' }, deviations);
    expect(deviations.list()).toEqual([]);
    courseOf({ id: 2, fullname: 'A' }, deviations);
    expect(deviations.list()).toEqual(['sis-id-not-visible']);
  });

  it('any value at all gives one course or one reason, with a moment that exists', () => {
    const anyCourse = fc.dictionary(
      fc.constantFrom('id', 'fullname', 'shortname', 'idnumber', 'visible', 'timemodified', '__proto__'),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), anyCourse), (raw) => {
        const outcome = courseOf(raw, createDeviations());
        if ('setAside' in outcome) return;
        expect(Number.isNaN(outcome.record.modifiedAt?.getTime() ?? 0)).toBe(false);
      }),
    );
  });
});
