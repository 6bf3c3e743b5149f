import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { contextFor, makeAgent, makeAgreement, makeOperator, makeSchool } from './actors.ts';

describe('actors for tests', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  it('gives every role of a school, an agent and the operator a context with exactly that role', async () => {
    const { agentId, agent } = await makeAgent(database);
    const school = await makeSchool(database, { agentId });
    await makeAgreement(database, school, { agentId });
    const { operator } = await makeOperator(database);
    for (const [role, person] of Object.entries(school.people)) {
      const { actor } = await contextFor(database, person);
      expect(actor).toMatchObject({
        kind: 'user',
        assurance: 'full',
        memberships: [{ role, schoolId: school.schoolId }],
      });
    }
    expect((await contextFor(database, agent)).actor).toMatchObject({
      memberships: [{ role: 'agent', schoolId: null }],
    });
    expect((await contextFor(database, operator, { assurance: 'password-ok' })).actor).toMatchObject({
      assurance: 'password-ok',
      memberships: [{ role: 'operator' }],
    });
  });
});
