import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDeviations } from '../exchange/deviations.ts';
import { groupOf, siteOf, subjectOf, termOf } from './map.ts';
import type { Mapped } from './map-base.ts';
import { codeMinorOf } from './wire.ts';

const now = new Date('2026-11-20T12:00:00Z');
const read = <R>(
  map: (raw: unknown, reading: { deviations: ReturnType<typeof createDeviations>; now: Date }) => Mapped<R>,
  raw: unknown,
) => {
  const deviations = createDeviations();
  return { ...map(raw, { deviations, now }), deviations: [...deviations.list()].sort() };
};
const fixture = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), 'utf8'));

describe('OneRoster records in our words', () => {
  it('a class by the book', () => {
    expect(read(groupOf, fixture('class'))).toEqual({
      deviations: [],
      record: {
        sourceId: 'cl-81',
        modifiedAt: new Date('2026-09-03T21:04:00.000Z'),
        deleted: false,
        kind: 'group',
        title: 'Biology H4-NT group 1',
        code: 'biol1.H4-NT',
        grades: ['10'],
        subjects: ['Biology'],
        subjectSourceId: 'co-7',
        siteSourceId: 'org-2',
        termSourceIds: ['se-1', 'se-2'],
        stream: { code: 'H4-NT', name: null, programme: 'havo', level: 'Nature & Tech', year: '4', from: 'metadata' },
      },
    });
  });

  it('a class as careless servers send it', () => {
    expect(read(groupOf, fixture('class-careless'))).toEqual({
      deviations: [
        'modified-in-future',
        'status-missing',
        'number-for-id',
        'title-missing',
        'vocabulary-case',
        'text-for-list',
        'reference-without-href',
        'reference-as-text',
        'grades-in-words',
      ].sort(),
      record: {
        sourceId: '81',
        modifiedAt: null,
        deleted: false,
        kind: 'class',
        title: '7b',
        code: '7b',
        grades: ['Seventh grade', '08'],
        subjects: [],
        subjectSourceId: 'co-7',
        siteSourceId: 'org-2',
        termSourceIds: ['se-1'],
        stream: null,
      },
    });
  });

  it.each([
    [siteOf, { sourcedId: 'o', name: '' }, { sourceId: 'o', field: 'name', reason: 'name-missing' }],
    [
      termOf,
      { sourcedId: 't', title: 'T', startDate: '2026-08-01', endDate: 'soon' },
      { sourceId: 't', field: 'endDate', reason: 'date-unreadable' },
    ],
    [
      termOf,
      { sourcedId: 't', title: 'T', startDate: '2026-08-01', endDate: '2026-01-01' },
      { sourceId: 't', field: 'endDate', reason: 'dates-reversed' },
    ],
    [subjectOf, { title: 'Biology' }, { sourceId: null, field: 'sourcedId', reason: 'source-id-missing' }],
    [groupOf, [], { sourceId: null, field: null, reason: 'not-an-object' }],
    [groupOf, null, { sourceId: null, field: null, reason: 'not-an-object' }],
  ])('sets aside what cannot be read, with its reason: %#', (map, raw, setAside) => {
    const outcome = map(raw, { deviations: createDeviations(), now });
    expect(outcome).toEqual({ setAside });
  });

  it('a year comes from one grade alone, and a choir of all grades is of no stream', () => {
    const stream = (grades: unknown, metadata: unknown = undefined) => {
      const mapped = subjectOf(
        { sourcedId: 'c', title: 'C', grades, metadata },
        { deviations: createDeviations(), now },
      );
      return 'record' in mapped ? mapped.record.stream : undefined;
    };
    expect(stream(['10'])).toMatchObject({ year: '10', from: 'course-grades' });
    expect(stream(['10'], { courseLevel: 'Honors' })).toMatchObject({ year: '10', level: 'Honors', from: 'metadata' });
    expect(stream(['10', '11'])).toBeNull();
    expect(stream([], { vendor: { x: 1 } })).toBeNull();
  });

  it('a record above itself has nothing above it', () => {
    expect(read(siteOf, { sourcedId: 'o', name: 'O', parent: { sourcedId: 'o' } })).toMatchObject({
      record: { parentSourceId: null },
    });
  });

  const anyRecord = fc.dictionary(
    fc.oneof(
      fc.constantFrom(
        'sourcedId',
        'title',
        'name',
        'status',
        'dateLastModified',
        'grades',
        'terms',
        'course',
        'metadata',
        'startDate',
        'endDate',
        'type',
        '__proto__',
        'constructor',
      ),
      fc.string(),
    ),
    fc.oneof(fc.jsonValue(), fc.constant('2026-08-01'), fc.string()),
  );
  it.each([
    ['site', siteOf],
    ['term', termOf],
    ['subject', subjectOf],
    ['group', groupOf],
  ] as const)('any value at all gives one %s or one reason, the same every time, in clean text', (_name, map) => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), anyRecord), (raw) => {
        const outcome = map(raw, { deviations: createDeviations(), now });
        expect(map(raw, { deviations: createDeviations(), now })).toEqual(outcome);
        if ('setAside' in outcome) return;
        const { record } = outcome;
        expect(record.sourceId.trim()).not.toBe('');
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
        expect(JSON.stringify(Object.values(record))).not.toMatch(/\\u00[01][0-9a-f]|[\u0000-\u001f]/);
        if ('startsOn' in record) expect(record.startsOn <= record.endsOn).toBe(true);
        if ('termSourceIds' in record) expect(new Set(record.termSourceIds).size).toBe(record.termSourceIds.length);
      }),
    );
  });
});

describe('a refusal, in whatever form it comes', () => {
  it.each([
    [
      {
        imsx_codeMajor: 'failure',
        imsx_CodeMinor: {
          imsx_codeMinorField: [
            { imsx_codeMinorFieldName: 'TargetEndSystem', imsx_codeMinorFieldValue: 'server_busy' },
          ],
        },
      },
      'serverbusy',
    ],
    [{ imsx_StatusInfo: { imsx_codeMinor: 'forbidden' } }, 'forbidden'],
    [
      {
        imsx_statusInfo: {
          imsx_CodeMinor: { imsx_codeMinorField: [{ imsx_codeMinorFieldValue: 'unauthorisedrequest' }] },
        },
      },
      'unauthorisedrequest',
    ],
    [{ statusInfoSet: [{ imsx_codeMinor: 'unknown object' }] }, 'unknownobject'],
    [{ errors: [{ imsx_codeMinor: 'invalid data' }] }, 'invaliddata'],
    [{ imsx_codeMinor: 'invalid_data' }, 'invaliddata'],
    [{ codeMajor: 'failure', codeMinor: 'unauthorized' }, 'unauthorized'],
    [{ imsx_codeMinor: 'Pupil 4711 is unknown' }, null],
    [undefined, null],
    ['<html>', null],
  ])('%j', (body, code) => {
    expect(codeMinorOf(body)).toBe(code);
  });
});
