import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { newId } from '#server/kernel/ids.ts';
import { contextFor, makeAgent, makeSchool, type TestSchool, testNow } from '#server/testing/actors.ts';
import { recordsPerPage } from './browse-records.ts';
import { listPeople } from './list-people.ts';
import { makeSystem, put, received } from './testing/received-rows.ts';

describe('the people of a school', () => {
  let database: TestDatabase;
  let school: TestSchool;
  let systemId: string;
  let number = 0;
  const ctx = (person = school.people['school-administrator']) => contextFor(database, person);
  const person = (family: string | null, given: string | null, more: object = {}) => {
    number += 1;
    return received(school.schoolId, systemId, `p${number}`, {
      kind: 'student',
      kinds: ['student'],
      family_name: family,
      given_name: given,
      identifier: `L${1000 + number}`,
      ...more,
    });
  };
  const names = async (input: Partial<Parameters<typeof listPeople>[0]['input']> = {}) => {
    const page = await listPeople({ ctx: await ctx(), input: { schoolId: school.schoolId, ...input } });
    return page.rows.map((row) => [row.givenName, row.familyName].filter((part) => part !== null).join(' '));
  };

  beforeAll(async () => {
    database = await createTestDatabase();
    school = await makeSchool(database);
    systemId = await makeSystem(database, school.schoolId, 'sis', 'Registra');
    await put(database, 'roster_site', [received(school.schoolId, systemId, 'n', { name: 'Noord', kind: 'school' })]);
    await put(database, 'roster_person', [
      person('de Vries', 'Emma', { site_source_ids: ['n'], email: 'emma.vries@school.example' }),
      person('Vries', 'Daan'),
      person('van den Berg', 'Zoë'),
      person('Öztürk', 'Elif', { missed_fetches: 1 }),
      person('Jansen', 'Jan', { kind: 'teacher', kinds: ['teacher', 'guardian'] }),
      person('Łukasik', 'Ewa'),
      person('100%', '_'),
      person(null, 'Cher'),
      person('Gone', 'Gerda', { gone_at: testNow }),
      person("O'Brien", 'Sean'),
      ...Array.from({ length: recordsPerPage + 5 }, (_, index) => person('Many', `M${String(index).padStart(3, '0')}`)),
    ]);
    await put(database, 'withheld_person', [
      {
        id: newId(),
        school_id: school.schoolId,
        system_id: systemId,
        source_id: 'p2',
        name: 'Daan Vries',
        withheld_by: newId(),
        withheld_at: testNow,
      },
    ]);
  });
  afterAll(() => database.drop());

  it('stand in the order of their family names, particles apart, and are paged without a name in the cursor', async () => {
    const first = await listPeople({ ctx: await ctx(), input: { schoolId: school.schoolId } });
    expect(first.rows).toHaveLength(recordsPerPage);
    expect(first).toMatchObject({ total: recordsPerPage + 13, more: false, anywhere: false });
    expect(first.next).toBe(first.rows.at(-1)?.id);
    const second = await names({ after: first.next ?? '' });
    expect(second.slice(-4)).toEqual(["Sean O'Brien", 'Elif Öztürk', 'Daan Vries', 'Emma de Vries']);
    expect(first.rows.slice(0, 4).map(({ familyName }) => familyName)).toEqual([
      '100%',
      'van den Berg',
      null,
      'Łukasik',
    ]);
  });

  it('are found by the beginning of the family name, with or without particle, mark or case, then the given name', async () => {
    expect(await names({ search: 'vries' })).toEqual(['Daan Vries', 'Emma de Vries']);
    expect(await names({ search: 'De Vries' })).toEqual(['Daan Vries', 'Emma de Vries']);
    expect(await names({ search: 'vries, em' })).toEqual(['Emma de Vries']);
    expect(await names({ search: 'OZT' })).toEqual(['Elif Öztürk']);
    expect(await names({ search: 'lukas' })).toEqual(['Ewa Łukasik']);
    expect(await names({ search: 'zoe' })).toEqual(['Zoë van den Berg']);
  });

  it('are found by any word of the name, the number, the address or the id where no family name begins so', async () => {
    expect(await names({ search: 'Emma Vries' })).toEqual(['Emma de Vries']);
    expect(await names({ search: 'L1002' })).toEqual(['Daan Vries']);
    expect(await names({ search: 'EMMA.vries@' })).toEqual(['Emma de Vries']);
    expect(await names({ search: 'p3' })).toEqual(['Zoë van den Berg']);
    expect(await names({ search: '%' })).toEqual([]);
    expect(await names({ search: "'; drop table roster_person" })).toEqual([]);
    const page = await listPeople({ ctx: await ctx(), input: { schoolId: school.schoolId, search: 'emma' } });
    expect(page).toMatchObject({ anywhere: true, total: 1, next: null });
  });

  it('are narrowed to a kind, a site, a system, the missing, the gone and the withheld', async () => {
    expect(await names({ kind: 'teacher' })).toEqual(['Jan Jansen']);
    expect(await names({ site: 'n' })).toEqual(['Emma de Vries']);
    expect(await names({ status: 'missing' })).toEqual(['Elif Öztürk']);
    expect(await names({ status: 'gone' })).toEqual(['Gerda Gone']);
    expect(await names({ status: 'withheld' })).toEqual(['Daan Vries']);
    expect(await names({ systemId: newId() })).toEqual([]);
    const [row] = (await listPeople({ ctx: await ctx(), input: { schoolId: school.schoolId, site: 'n' } })).rows;
    expect(row).toMatchObject({ sites: ['Noord'], withheld: false });
  });

  it('are read by the school administrator alone', async () => {
    const input = { schoolId: school.schoolId };
    const { agent } = await makeAgent(database);
    const other = await makeSchool(database);
    const { approver, signatory } = school.people;
    const refused = [
      approver,
      signatory,
      school.people['technical-contact'],
      agent,
      other.people['school-administrator'],
    ];
    for (const one of refused) {
      await expect(listPeople({ ctx: await ctx(one), input })).rejects.toMatchObject({ code: 'forbidden' });
    }
    expect(
      (await listPeople({ ctx: await ctx(other.people['school-administrator']), input: { schoolId: other.schoolId } }))
        .rows,
    ).toEqual([]);
  });
});
