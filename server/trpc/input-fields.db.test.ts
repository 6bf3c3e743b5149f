import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { nobody } from '#server/testing/actors.ts';
import { createCaller } from './root.ts';

describe('input that a form can mark', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  it('names every field that cannot be used, and never what stood there', async () => {
    const caller = createCaller(await nobody(database));
    const answer = caller.schools.registerSchool({
      name: 'Lindenhof',
      register: 'BRIN',
      registerNumber: '01AB',
      country: 'XX',
      timeZone: 'Europe/Amsterdam',
      personName: 'Rob',
      email: 'not an address',
    });
    await expect(answer).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      cause: { code: 'invalid-input', details: { fields: ['country', 'email'] } },
    });
  });
});
