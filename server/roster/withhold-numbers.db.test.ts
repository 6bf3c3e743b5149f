import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { newId } from '#server/kernel/ids.ts';
import { makeSchool, testNow } from '#server/testing/actors.ts';
import { makeSystem } from '#server/testing/roster-rows.ts';
import { withholdByNumber } from './withhold-numbers.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

it('whoever comes under a withheld number is withheld under his id, of the right kind, while it is not released', async () => {
  const school = await makeSchool(database);
  const { schoolId } = school;
  const systemId = await makeSystem(database, school);
  const { admin } = database;
  const act = newId();
  const withhold = (number: string, kind: string | null, released: boolean) => admin`
    insert into withheld_person (id, school_id, system_id, source_id, number, kind, act, name, withheld_by, withheld_at, released_at)
    values (${newId()}, ${schoolId}, ${systemId}, ${`number:${kind ?? ''}:${number}`}, ${number}, ${kind}, ${act}, 'Somebody', ${newId()}, ${testNow},
            ${released ? testNow : null})`;
  await withhold('12', 'student', false);
  await withhold('13', null, false);
  await withhold('14', null, true);
  await admin`create table staged_people (source_id text, identifier text, roles text)`;
  await admin`grant select on staged_people to crosswalk_sync`;
  await admin`
    insert into staged_people values ('s12', '12', 'student|primary|north||'), ('t12', '12', 'teacher|primary|north||'), ('x13', '13', null), ('s14', '14', 'student||||'),
      ('s15', null, 'student||||')`;
  const run = () =>
    database.sync.withSchool(schoolId, (tx) => withholdByNumber(tx, { schoolId, systemId }, sql.raw('staged_people')));
  await run();
  // A run's step may be done twice.
  await run();
  const found = await admin`
    select source_id, act = ${act} as same_act from withheld_person where school_id = ${schoolId} and source_id not like 'number:%' order by source_id`;
  expect([...found]).toEqual([
    { source_id: 's12', same_act: true },
    { source_id: 'x13', same_act: true },
  ]);
});
