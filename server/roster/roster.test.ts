import { getTableColumns } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  lmsCourse,
  rosterDemographics,
  rosterEnrolment,
  rosterGroup,
  rosterPerson,
  rosterSite,
  rosterSubject,
  rosterTerm,
} from '#db/schema/index.ts';
import { scopes as vocabulary } from '#db/schema/vocabulary.ts';
import type { Page, PersonRecord, StreamHint } from '#server/connectors/contract.ts';
import { stagedColumns } from '#server/connectors/staged-columns.ts';
import {
  collectionsKept,
  fieldsLeftOut,
  isRosterCollection,
  narrowableFields,
  rosterCollections,
  stagedIn,
  type TableName,
  tableNames,
  tablesKept,
} from './collections.ts';
import { betterTelling, type DerivedStream, streamOfHints } from './derive-streams.ts';
import { defaultRules, type GuardRule, ruleFor, type Weighed, weigh } from './guard.ts';
import { recogniseSites, sitesAllowed } from './narrow-to-sites.ts';
import { rosterTables } from './roster-tables.ts';
import { csvCell, stagePage } from './stage-page.ts';

describe('roster tables as data', () => {
  const schema: Readonly<Record<TableName, PgTable>> = {
    sites: rosterSite,
    terms: rosterTerm,
    subjects: rosterSubject,
    groups: rosterGroup,
    people: rosterPerson,
    enrolments: rosterEnrolment,
    demographics: rosterDemographics,
    courses: lmsCourse,
  };
  /** Kept by the engine itself, or derived. */
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
    'changed_at',
    'email_folded',
    'username_folded',
    'site_id',
    'stream_source_id',
    'search_name',
  ];
  /** Columns of a staged table that our own SQL fills. */
  const ours: Partial<Record<TableName, readonly string[]>> = { people: ['roles'] };

  it.each(tableNames)('%s name the columns that their table has', (name) => {
    const columns = Object.values(getTableColumns(schema[name])).map((column) => column.name);
    expect(Object.keys(rosterTables[name].columns).sort()).toEqual(
      columns.filter((column) => !common.includes(column) || column in rosterTables[name].columns).sort(),
    );
  });

  it.each(tableNames)('%s read no column that is not staged', (name) => {
    const of = rosterTables[name];
    const known = ['source_id', 'status', 'modified', ...stagedColumns[name], ...(ours[name] ?? [])];
    const told = [
      ...Object.values(of.columns).map(({ from }) => from),
      ...of.unusable.map(({ when }) => when),
      of.collection.staged,
      of.name.staged,
    ].join(' ');
    const read = [...told.matchAll(/\bs\.([a-z_]+)/g)].map(([, column]) => column ?? '');
    expect(read.filter((column) => !known.includes(column))).toEqual([]);
    expect(of.identity.filter((field) => !(field in of.columns))).toEqual([]);
  });

  it('every collection that is fetched rests somewhere, and each field that may be left out exists', () => {
    for (const [collection, table] of Object.entries(stagedIn)) {
      expect(isRosterCollection(collection)).toBe(true);
      expect(tableNames).toContain(table);
    }
    for (const [field, table] of Object.entries(narrowableFields)) {
      expect(Object.keys(rosterTables[table].columns)).toContain(field);
    }
  });
});

describe('need to know', () => {
  it('nothing is kept without a scope, and each kind of person by its own alone', () => {
    expect(collectionsKept([])).toEqual(new Set());
    expect(collectionsKept(['roster.students'])).toEqual(new Set(['sites', 'students']));
    expect(collectionsKept(['roster.students', 'roster.teachers'])).toEqual(new Set(['sites', 'students', 'teachers']));
    expect(collectionsKept(['roster.guardians'])).toEqual(new Set(['sites', 'guardians']));
    expect(collectionsKept(['lms.courses'])).toEqual(new Set(['courses']));
    expect(collectionsKept(vocabulary)).toEqual(new Set(rosterCollections));
  });

  it('who is in which group is known only where both may be', () => {
    expect(collectionsKept(['roster.students', 'roster.groups']).has('enrolments')).toBe(true);
    expect(collectionsKept(['roster.teachers', 'roster.classes']).has('enrolments')).toBe(true);
    expect(collectionsKept(['roster.guardians', 'roster.groups']).has('enrolments')).toBe(false);
    expect(collectionsKept(['roster.students', 'roster.subjects']).has('enrolments')).toBe(false);
  });

  it('demographics are kept of students or teachers, never alone', () => {
    expect(collectionsKept(['roster.demographics'])).toEqual(new Set());
    expect(collectionsKept(['roster.demographics', 'roster.students']).has('demographics')).toBe(true);
    expect(collectionsKept(['roster.demographics', 'roster.guardians']).has('demographics')).toBe(false);
  });

  it('more scopes never keep less, and every collection kept has its table', () => {
    fc.assert(
      fc.property(fc.subarray([...vocabulary]), fc.subarray([...vocabulary]), (some, more) => {
        const fewer = collectionsKept(some);
        const all = collectionsKept([...some, ...more]);
        expect([...fewer].filter((collection) => !all.has(collection))).toEqual([]);
        const tables = tablesKept(all);
        for (const collection of all) {
          if (collection !== 'streams')
            expect(tables.has(collection === 'classes' ? 'groups' : stagedIn[collection])).toBe(true);
        }
      }),
    );
  });

  it('a field is left out only where every grant of its scope leaves it out', () => {
    const grant = (scopes: readonly string[], ...withoutFields: readonly string[]) => ({ scopes, withoutFields });
    const students = ['roster.students'];
    expect(fieldsLeftOut([])).toEqual(new Set());
    expect(fieldsLeftOut([grant(students, 'roster.students:email')])).toEqual(new Set(['roster.students:email']));
    expect(fieldsLeftOut([grant(students, 'roster.students:email'), grant(students)])).toEqual(new Set());
    expect(
      fieldsLeftOut([grant(students, 'roster.students:email'), grant(['roster.teachers', 'roster.groups'])]),
    ).toEqual(new Set(['roster.students:email']));
    expect(
      fieldsLeftOut([
        grant(students, 'roster.students:email', 'roster.students:phone'),
        grant(students, 'roster.students:phone'),
      ]),
    ).toEqual(new Set(['roster.students:phone']));
  });
});

describe('the guard', () => {
  const part = (of: Partial<Weighed>): Weighed => ({
    collection: 'groups',
    site: null,
    upcoming: false,
    known: 100,
    gone: 0,
    changed: 0,
    fields: {},
    ...of,
  });

  it.each([
    [100, 10, 0, 0],
    [100, 11, 0, 1],
    [100, 0, 75, 0],
    [100, 0, 76, 1],
    [100, 20, 80, 2],
    [3, 1, 0, 1],
    [0, 0, 0, 0],
  ])('of %i records %i gone and %i changed: %i reasons', (known, gone, changed, reasons) => {
    expect(weigh([part({ known, gone, changed })])).toHaveLength(reasons);
  });

  it('looks at a field of which more than half change at once, from ten records on', () => {
    expect(weigh([part({ changed: 51, fields: { title: 51 } })])).toMatchObject([
      { kind: 'field', field: 'title', count: 51 },
    ]);
    expect(weigh([part({ changed: 50, fields: { title: 50 } })])).toEqual([]);
    expect(weigh([part({ known: 9, changed: 6, fields: { title: 6 } })])).toEqual([]);
  });

  const rule = (of: Partial<GuardRule>): GuardRule => ({
    collection: null,
    site: null,
    kind: 'gone',
    share: 0.5,
    atLeast: 1,
    ...of,
  });

  it('the most specific rule decides, and of two alike the later one', () => {
    const rules = [
      ...defaultRules,
      rule({ share: 0.2 }),
      rule({ site: 'north', share: 0.3 }),
      rule({ collection: 'students', share: 0.4 }),
      rule({ collection: 'students', site: 'north', share: 0.6 }),
    ];
    const share = (collection: Weighed['collection'], site: string | null) =>
      ruleFor(rules, { collection, site, kind: 'gone' })?.share;
    expect(share('groups', null)).toBe(0.2);
    expect(share('groups', 'north')).toBe(0.3);
    expect(share('students', null)).toBe(0.4);
    expect(share('students', 'south')).toBe(0.4);
    expect(share('students', 'north')).toBe(0.6);
    expect(ruleFor(rules, { collection: 'students', site: 'north', kind: 'changed' })?.share).toBe(0.75);
    expect(ruleFor([], { collection: 'students', site: null, kind: 'changed' })).toBeNull();
  });

  it('a site of its own is weighed on its own, and a school may allow more or less by share and by count', () => {
    const plan = [part({ known: 1000, gone: 60 }), part({ site: 'north', known: 60, gone: 60 })];
    expect(weigh(plan)).toMatchObject([{ site: 'north', count: 60, of: 60 }]);
    expect(weigh(plan, [rule({ site: 'north', share: 1 })])).toEqual([]);
    expect(weigh(plan, [rule({ share: 0.01, atLeast: 100 })])).toEqual([]);
    expect(weigh(plan, [rule({ share: 0, atLeast: 60 })])).toHaveLength(2);
  });

  it('holds exactly where the share is beyond the limit and the count reaches the least', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 500 }),
        fc.nat({ max: 500 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 50 }),
        (known, some, share, atLeast) => {
          const gone = Math.min(known, some);
          const reasons = weigh([part({ known, gone })], [rule({ share, atLeast })]);
          expect(reasons.length).toBe(known > 0 && gone >= atLeast && gone / known > share ? 1 : 0);
        },
      ),
    );
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
    const course = hint({ level: 'Honors', year: '10' });
    const nameOf = (own: StreamHint | null, of: StreamHint | null) => streamOfHints(own, of)?.name;
    expect(nameOf(null, course)).toBe('10 Honors');
    expect(nameOf(hint({ year: '11', from: 'class-grades' }), course)).toBe('10 Honors');
    expect(nameOf(hint({ level: 'AP', year: '12', code: 'G12-AP', name: 'Grade 12 AP' }), course)).toBe('Grade 12 AP');
    expect(nameOf(hint({ year: '11', from: 'class-grades' }), hint({ year: '10', from: 'course-grades' }))).toBe('11');
    expect(streamOfHints(null, null)).toBeNull();
    expect(streamOfHints(hint({ name: '  ' }), hint({ level: '-' }))).toBeNull();
  });

  const text = (...values: readonly string[]) => fc.option(fc.constantFrom(...values), { nil: null });
  const hints: fc.Arbitrary<StreamHint> = fc.record({
    code: text('H4', 'V4'),
    name: text('havo 4', 'Havo 4', ' '),
    programme: text('havo', 'Havo', 'vwo', '__proto__'),
    level: text('N', 'E', ''),
    year: text('4', '5'),
    from: fc.constantFrom<StreamHint['from']>(
      'metadata',
      'class-grades',
      'course-grades',
      'student-programme',
      'student-grades',
    ),
  });

  it('one stream has one id, whatever its spelling, and a name that a person can read', () => {
    expect(streamOfHints(hint({ programme: 'Havo', year: '4' }), null)?.sourceId).toBe(
      streamOfHints(hint({ programme: ' havo ', year: '4', name: 'other' }), null)?.sourceId,
    );
    fc.assert(
      fc.property(fc.option(hints, { nil: null }), fc.option(hints, { nil: null }), (own, course) => {
        const stream = streamOfHints(own, course);
        if (stream !== null) {
          expect(stream.name.trim()).not.toBe('');
          expect(stream.sourceId).toMatch(/^stream:/);
        }
      }),
    );
  });

  const streams: fc.Arbitrary<DerivedStream> = hints.map((of) => ({
    ...of,
    sourceId: 'stream:x',
    name: of.name ?? 'x',
    derivedFrom: of.from,
  }));

  it('of several tellings the same one wins, whatever the order in which they are read', () => {
    fc.assert(
      fc.property(streams, streams, streams, (a, b, c) => {
        expect(betterTelling(a, b)).toEqual(betterTelling(b, a));
        expect(betterTelling(betterTelling(a, b), c)).toEqual(betterTelling(a, betterTelling(b, c)));
      }),
    );
    const [surer, weaker] = [hint({ from: 'metadata' }), hint({ from: 'course-grades', code: 'H4' })].map((of) => ({
      ...of,
      sourceId: 'stream:x',
      name: 'x',
      derivedFrom: of.from,
    }));
    if (surer === undefined || weaker === undefined) throw new Error('two tellings');
    expect(betterTelling(weaker, surer)).toBe(surer);
  });
});

describe('a page is cut before it is stored', () => {
  const linesOf = (staged: ReturnType<typeof stagePage>) =>
    staged.rows
      .flatMap(({ lines }) => {
        if (!(Symbol.iterator in lines)) throw new Error('a page is in memory');
        return [...lines].map((bytes) => Buffer.from(bytes).toString('utf8'));
      })
      .join('');
  const page: Page<'groups'> = {
    collection: 'groups',
    records: (['group', 'class'] as const).map((kind) => ({
      sourceId: kind,
      kind,
      title: `A ${kind}`,
      code: null,
      grades: ['4'],
      subjects: [],
      subjectSourceId: 'course',
      siteSourceId: 'site',
      termSourceIds: [],
      stream: { code: null, name: 'havo 4', programme: 'havo', level: null, year: '4', from: 'metadata' },
      modifiedAt: null,
      deleted: false,
    })),
    setAside: [],
    cut: 0,
    total: 2,
    cursor: null,
    end: 'said',
    deviations: [],
  };

  it('home classes leave nothing where only groups are granted', () => {
    const staged = stagePage(page, ['roster.groups']);
    expect(staged).toMatchObject({ staged: 1, cut: 1, rows: [{ table: 'groups' }] });
    expect(linesOf(staged)).toContain('A group');
    expect(linesOf(staged)).not.toContain('class');
    // What is not kept leaves a one-way mark, so that it is noticed if it comes again.
    expect(linesOf(staged)).toMatch(/cut:groups:[\w-]{16}",/);
    expect(linesOf(staged)).not.toContain('havo');
  });

  it('for streams alone nothing but what tells a stream is left', () => {
    const staged = stagePage(page, ['roster.streams']);
    expect(staged).toMatchObject({ staged: 2, cut: 0 });
    expect(linesOf(staged)).toMatch(/havo/);
    expect(linesOf(staged)).not.toMatch(/A group|A class|site/);
  });

  it('of a scope that needs none of it nothing is left', () => {
    expect(stagePage(page, ['roster.students'])).toMatchObject({ staged: 0, cut: 2 });
    expect(linesOf(stagePage(page, ['roster.students']))).not.toMatch(/group"|class"|havo|site/);
  });

  const person = (roles: PersonRecord['roles']): Page<'students'>['records'][number] => ({
    sourceId: '__proto__',
    enabled: true,
    username: 'u',
    givenName: 'Ann "the\u0000 Cat"',
    familyName: 'Vos,\n Jr',
    middleName: null,
    preferredGivenName: null,
    preferredFamilyName: null,
    pronouns: null,
    identifier: '1',
    masterIdentifier: null,
    email: null,
    sms: null,
    phone: null,
    grades: ['4', '5'],
    userIds: [],
    agentSourceIds: [],
    primarySiteSourceId: null,
    roles,
    stream: null,
    modifiedAt: null,
    deleted: false,
  });

  it('a person is one line with his roles in one cell, quoted so that no text ends it', () => {
    const role = { role: 'student', roleType: 'primary', siteSourceId: 'a|b', beginsOn: null, endsOn: null };
    const staged = stagePage(
      { ...page, collection: 'students', records: [person([role, role, { ...role, siteSourceId: 'c' }])] },
      ['roster.students'],
    );
    const told = linesOf(staged);
    expect(staged.rows[0]?.columns.at(-1)).toBe('roles');
    expect(told).toContain('"__proto__"');
    expect(told).toContain('"Ann ""the Cat"""');
    expect(told).toContain('"Vos,\n Jr"');
    expect(told).toContain('"student|primary|ab||\u001fstudent|primary|c||\u001f"');
    expect(told.endsWith('\n')).toBe(true);
  });

  it('a cell that says nothing is NULL, an empty text is not', () => {
    expect(csvCell(null)).toBe('');
    expect(csvCell('')).toBe('""');
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
