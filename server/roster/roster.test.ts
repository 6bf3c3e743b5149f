import { getTableColumns } from 'drizzle-orm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lmsCourse, rosterGroup, rosterSite, rosterStream, rosterSubject, rosterTerm } from '#db/schema/index.ts';
import { scopes as vocabulary } from '#db/schema/vocabulary.ts';
import type { Page, StreamHint } from '#server/connectors/contract.ts';
import { collectionsKept, rosterCollections, rosterTables } from './collections.ts';
import { deriveStreams, type Hinted } from './derive-streams.ts';
import { fingerprintOf, type Plan, weigh } from './guard.ts';
import { recogniseSites, sitesAllowed } from './narrow-to-sites.ts';
import { type KnownRow, planCollection, type StagedRow } from './plan.ts';
import { stagePage } from './stage-record.ts';

it('collections name the columns that their tables have', () => {
  const tables = {
    sites: rosterSite,
    terms: rosterTerm,
    subjects: rosterSubject,
    streams: rosterStream,
    groups: rosterGroup,
    courses: lmsCourse,
  };
  const common = [
    'id',
    'school_id',
    'system_id',
    'source_id',
    'content_hash',
    'source_modified_at',
    'missed_fetches',
    'first_seen_at',
    'last_seen_at',
    'gone_at',
    'site_id',
  ];
  for (const collection of rosterCollections) {
    const columns = Object.values(getTableColumns(tables[collection])).map((column) => column.name);
    expect(Object.keys(rosterTables[collection].columns).sort()).toEqual(
      columns.filter((name) => !common.includes(name)).sort(),
    );
  }
});

it('nothing is kept without a scope, and people by none of these', () => {
  expect(collectionsKept([])).toEqual(new Set());
  expect(collectionsKept(['roster.students', 'roster.teachers'])).toEqual(new Set());
  expect(collectionsKept(['lms.courses'])).toEqual(new Set(['courses']));
  expect(collectionsKept(vocabulary)).toEqual(new Set(rosterCollections));
});

const id = fc.constantFrom(...'abcdefgh');
const stagedRows = fc.uniqueArray(
  fc.record({
    sourceId: id,
    disposition: fc.constantFrom('kept' as const, 'deleted' as const, 'aside' as const),
    contentHash: fc.constantFrom('1', '2'),
  }),
  { selector: (row) => row.sourceId },
);
const knownRows = fc.uniqueArray(
  fc.record({
    sourceId: id,
    contentHash: fc.constantFrom('1', '2'),
    missedFetches: fc.constantFrom(0, 1),
    isGone: fc.boolean(),
    isEnded: fc.boolean(),
  }),
  { selector: (row) => row.sourceId },
);

/** What the roster holds after a plan was applied. */
function applied(known: readonly KnownRow[], staged: readonly StagedRow[], complete: boolean): KnownRow[] {
  const plan = planCollection(staged, known, { complete });
  const hashOf = new Map(staged.map((row) => [row.sourceId, row.contentHash ?? '']));
  const rows = new Map(known.map((row) => [row.sourceId, row]));
  const change = (ids: readonly string[], to: (row: KnownRow) => KnownRow) => {
    for (const sourceId of ids) {
      const row = rows.get(sourceId) ?? { sourceId, contentHash: '', missedFetches: 0, isGone: false, isEnded: false };
      rows.set(sourceId, to(row));
    }
  };
  change([...plan.added, ...plan.changed, ...plan.returned], (row) => ({
    ...row,
    contentHash: hashOf.get(row.sourceId) ?? '',
    missedFetches: 0,
    isGone: false,
  }));
  change(plan.unchanged, (row) => ({ ...row, missedFetches: 0 }));
  change(plan.missing, (row) => ({ ...row, missedFetches: row.missedFetches + 1 }));
  change(plan.gone, (row) => ({ ...row, isGone: true }));
  return [...rows.values()];
}

describe('a plan', () => {
  it('puts every record into at most one list, and every record that is there into exactly one', () => {
    fc.assert(
      fc.property(stagedRows, knownRows, fc.boolean(), (staged, known, complete) => {
        const { weighed: _weighed, ...lists } = planCollection(staged, known, { complete });
        const all = Object.values(lists).flat();
        expect(new Set(all).size).toBe(all.length);
        for (const row of staged) if (row.disposition === 'kept') expect(all).toContain(row.sourceId);
      }),
    );
  });

  it('never takes a record for gone after a fetch that was not complete, unless the source says so', () => {
    fc.assert(
      fc.property(stagedRows, knownRows, (staged, known) => {
        const said = new Set(staged.filter((row) => row.disposition === 'deleted').map((row) => row.sourceId));
        const { gone, missing } = planCollection(staged, known, { complete: false });
        expect(missing).toEqual([]);
        expect(gone.filter((sourceId) => !said.has(sourceId))).toEqual([]);
      }),
    );
  });

  it('needs two complete fetches in a row without a record; one with it starts anew', () => {
    const known: KnownRow[] = [{ sourceId: 'a', contentHash: '1', missedFetches: 0, isGone: false, isEnded: false }];
    const there: StagedRow[] = [{ sourceId: 'a', disposition: 'kept', contentHash: '1' }];
    const once = applied(known, [], true);
    expect(once).toMatchObject([{ isGone: false, missedFetches: 1 }]);
    expect(applied(once, [], false)).toMatchObject([{ isGone: false, missedFetches: 1 }]);
    expect(applied(once, there, true)).toMatchObject([{ isGone: false, missedFetches: 0 }]);
    expect(applied(once, [], true)).toMatchObject([{ isGone: true }]);
    expect(planCollection(there, applied(once, [], true), { complete: true }).returned).toEqual(['a']);
  });

  it('applied twice changes nothing the second time', () => {
    fc.assert(
      fc.property(stagedRows, knownRows, (staged, known) => {
        const after = applied(known, staged, true);
        const again = planCollection(staged, after, { complete: true });
        expect([again.added, again.changed, again.returned]).toEqual([[], [], []]);
      }),
    );
  });

  it('archives what belongs to an ended term: its absence is nothing', () => {
    const known: KnownRow[] = [{ sourceId: 'a', contentHash: '1', missedFetches: 1, isGone: false, isEnded: true }];
    expect(planCollection([], known, { complete: true })).toMatchObject({
      gone: [],
      missing: [],
      weighed: { known: 0 },
    });
  });
});

describe('the guard', () => {
  const known = (n: number): KnownRow[] =>
    Array.from({ length: n }, (_, index) => ({
      sourceId: `r${index}`,
      contentHash: '1',
      missedFetches: 1,
      isGone: false,
      isEnded: false,
    }));
  const planOf = (n: number, gone: number, changed = 0): Plan =>
    new Map([
      [
        'groups',
        planCollection(
          known(n)
            .slice(gone)
            .map(({ sourceId }, index) => ({
              sourceId,
              disposition: 'kept',
              contentHash: index < changed ? '2' : '1',
            })),
          known(n),
          { complete: true },
        ),
      ],
    ]);

  it.each([
    [100, 10, 0, 0],
    [100, 11, 0, 1],
    [100, 0, 75, 0],
    [100, 0, 76, 1],
    [100, 20, 80, 2],
    [3, 1, 0, 1],
    [0, 0, 0, 0],
  ])('of %i records %i gone and %i changed: %i reasons', (n, gone, changed, reasons) => {
    expect(weigh(planOf(n, gone, changed))).toHaveLength(reasons);
  });

  it('an approval is of exactly one diff', () => {
    expect(fingerprintOf(planOf(100, 20))).toBe(fingerprintOf(planOf(100, 20)));
    expect(fingerprintOf(planOf(100, 20))).not.toBe(fingerprintOf(planOf(100, 21)));
    expect(fingerprintOf(planOf(100, 20))).not.toBe(fingerprintOf(planOf(100, 20, 1)));
  });
});

describe('streams', () => {
  const hint = (parts: Partial<StreamHint>): StreamHint => ({
    code: null,
    name: null,
    programme: null,
    level: null,
    year: null,
    from: 'metadata',
    ...parts,
  });

  it('takes a class at its own word before its course, and metadata before grades', () => {
    const { streams, streamOfGroup } = deriveStreams(
      [{ sourceId: 'course', subjectSourceId: null, stream: hint({ level: 'Honors', year: '10' }) }],
      [
        { sourceId: 'silent', subjectSourceId: 'course', stream: null },
        { sourceId: 'by grade', subjectSourceId: 'course', stream: hint({ year: '11', from: 'class-grades' }) },
        {
          sourceId: 'outspoken',
          subjectSourceId: 'course',
          stream: hint({ level: 'AP', year: '12', code: 'G12-AP', name: 'Grade 12 AP' }),
        },
        { sourceId: 'choir', subjectSourceId: 'unknown', stream: null },
      ],
    );
    const nameOf = (group: string) => streams.find((stream) => stream.sourceId === streamOfGroup.get(group))?.name;
    expect(nameOf('silent')).toBe('10 Honors');
    expect(nameOf('by grade')).toBe('10 Honors');
    expect(nameOf('outspoken')).toBe('Grade 12 AP');
    expect(nameOf('choir')).toBeUndefined();
  });

  const hinted: fc.Arbitrary<Hinted> = fc.record({
    sourceId: fc.constantFrom('1', '2', '3', '4', '5', '6'),
    subjectSourceId: fc.option(fc.constantFrom('1', '2', '3'), { nil: null }),
    stream: fc.option(
      fc.record({
        code: fc.option(fc.constantFrom('H4', 'V4'), { nil: null }),
        name: fc.option(fc.constantFrom('havo 4', 'Havo 4'), { nil: null }),
        programme: fc.option(fc.constantFrom('havo', 'Havo', 'vwo', '__proto__'), { nil: null }),
        level: fc.option(fc.constantFrom('N', 'E', ''), { nil: null }),
        year: fc.option(fc.constantFrom('4', '5'), { nil: null }),
        from: fc.constantFrom('metadata' as const, 'class-grades' as const, 'course-grades' as const),
      }),
      { nil: null },
    ),
  });
  const list = fc.uniqueArray(hinted, { selector: (row) => row.sourceId });
  it('are the same whatever the order in which courses and classes came, and every group has a stream that exists', () => {
    fc.assert(
      fc.property(list, list, (subjects, groups) => {
        const straight = deriveStreams(subjects, groups);
        const turned = deriveStreams([...subjects].reverse(), [...groups].reverse());
        expect(turned.streams).toEqual(straight.streams);
        expect(new Map(turned.streamOfGroup)).toEqual(new Map(straight.streamOfGroup));
        const ids = new Set(straight.streams.map((stream) => stream.sourceId));
        expect(ids.size).toBe(straight.streams.length);
        for (const stream of straight.streamOfGroup.values()) expect(ids.has(stream)).toBe(true);
        for (const stream of straight.streams) expect(stream.name).not.toBe('');
      }),
    );
  });
});

describe('a page is cut before it is stored', () => {
  const page: Page<'groups'> = {
    collection: 'groups',
    records: (['group', 'class'] as const).map((kind) => ({
      sourceId: kind,
      kind,
      title: `A ${kind}`,
      code: null,
      grades: [],
      subjects: [],
      subjectSourceId: 'course',
      siteSourceId: 'site',
      termSourceIds: [],
      stream: null,
      modifiedAt: null,
      deleted: false,
    })),
    setAside: [
      { sourceId: 'bad', field: 'title', reason: 'name-missing' },
      { sourceId: null, field: 'sourcedId', reason: 'source-id-missing' },
    ],
    total: 4,
    cursor: null,
    end: 'said',
    deviations: [],
  };

  it('home classes leave no content where only groups are granted', () => {
    const { records, uncounted } = stagePage(page, ['roster.groups']);
    expect(records.map(({ disposition }) => disposition)).toEqual(['kept', 'cut', 'aside']);
    expect(records[1]).toMatchObject({ sourceId: expect.stringMatching(/^cut:/), content: null, hint: null });
    expect(JSON.stringify(records)).not.toContain('A class');
    expect(uncounted).toBe(1);
  });

  it('for streams alone nothing but what tells a stream is left', () => {
    const { records } = stagePage(page, ['roster.streams']);
    expect(JSON.stringify(records)).not.toMatch(/A group|A class/);
    expect(records[0]).toMatchObject({ disposition: 'cut', content: null, hint: { subjectSourceId: 'course' } });
  });

  it('the same id twice on a page counts as read twice and is stored once', () => {
    const [first] = page.records;
    if (first === undefined) throw new Error('the page is empty');
    expect(stagePage({ ...page, records: [first, first], setAside: [] }, ['roster.groups'])).toMatchObject({
      records: { length: 1 },
      repeated: 1,
    });
  });
});

describe('narrowing to sites', () => {
  const source = [
    { sourceId: 'district', name: 'Lindenhof', identifier: null, parentSourceId: null },
    { sourceId: 'a', name: 'Lindenhof College', identifier: '99LH00', parentSourceId: 'district' },
    { sourceId: 'a-science', name: 'Science', identifier: null, parentSourceId: 'a' },
    { sourceId: 'b', name: 'Vakcollege', identifier: '99LH01', parentSourceId: 'district' },
    { sourceId: 'x', name: 'X', identifier: null, parentSourceId: 'y' },
    { sourceId: 'y', name: 'Y', identifier: null, parentSourceId: 'x' },
  ];
  const own = [
    { id: 'own-a', name: 'College', registerNumber: '99lh00' },
    { id: 'own-b', name: 'vakcollege', registerNumber: null },
  ];

  it('recognises sites by number, else by name', () => {
    expect(recogniseSites(source, own)).toEqual(
      new Map([
        ['a', 'own-a'],
        ['b', 'own-b'],
      ]),
    );
  });

  it('keeps a site with what lies below and stands above it; one grant without a limit lifts it', () => {
    expect(sitesAllowed([['own-a']], source, own)).toEqual(new Set(['a', 'a-science', 'district']));
    expect(sitesAllowed([['own-a'], ['own-b']], source, own)).toEqual(new Set(['a', 'a-science', 'b', 'district']));
    expect(sitesAllowed([['own-a'], []], source, own)).toBeNull();
    expect(sitesAllowed([], source, own)).toBeNull();
    expect(sitesAllowed([['nobody']], source, own)).toEqual(new Set());
  });
});
