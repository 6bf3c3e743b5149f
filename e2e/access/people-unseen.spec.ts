import type { Page } from '@playwright/test';
import { putStudent, recognisable } from '../fixtures/people-in-roster.ts';
import type { Person } from '../fixtures/person.ts';
import { addressOf, everyRoute } from '../fixtures/routes.ts';
import { joinSchool, newestRun, schoolInForce, sisLive } from '../fixtures/scenes.ts';
import { expect, test } from '../fixtures/test.ts';

const words = Object.values(recognisable);

/** Which of her words stand in a text. */
const wordsIn = (text: string) => words.filter((word) => text.toLowerCase().includes(word.toLowerCase()));

/** What a page holds, seen or not: its markup, what scripts fetched, and what it sent along for them. */
async function told(page: Page, address: string): Promise<string[]> {
  const answers: Promise<string>[] = [];
  const listen = (response: { url(): string; text(): Promise<string> }) => {
    // What was left before it had come is no answer.
    if (response.url().includes('/api/trpc')) answers.push(response.text().catch(() => ''));
  };
  page.on('response', listen);
  await page.goto(address);
  await page.waitForLoadState('networkidle');
  page.off('response', listen);
  return wordsIn([await page.content(), page.url(), ...(await Promise.all(answers))].join('\n'));
}

/** In his own portal every page is opened; of the others, which are closed to him, what is answered is read. */
async function seenAnywhere(person: Person, own: string, ids: Record<string, string>): Promise<string[]> {
  const seen: string[] = [];
  const page = await person.open('/account');
  for (const route of everyRoute().filter((one) => /^\/(agent|operator|school)(\/|$)/.test(one))) {
    const address = addressOf(route, ids);
    if (address === null) continue;
    const found = route.startsWith(own)
      ? await told(page, address)
      : wordsIn(await (await person.context.request.get(address)).text());
    if (found.length > 0) seen.push(`${person.name} at ${route}: ${found.join(', ')}`);
  }
  return seen;
}

test('a student is seen by the school administrator, and by no agent, operator or other role of the school', async ({
  cast,
  agency,
  operator,
  sis,
}) => {
  test.setTimeout(240_000);
  const school = await schoolInForce(cast, operator, agency);
  const { systemId, requestId, connectionId } = await sisLive(school, sis);
  const { schoolId, agreementId, administrator } = school;
  const { id: runId } = await newestRun(school, systemId);
  const personId = await putStudent(school, { systemId, runId });
  const { rows } = await administrator.api.data.groups.query({ schoolId });
  const { enrolments } = await administrator.api.data.person.query({ schoolId, personId });
  const groupId = enrolments[0]?.groupId ?? rows[0]?.id ?? '';
  const [template] = await operator.api.agreements.listTemplates.query({});
  const ids = {
    schoolId,
    agreementId,
    systemId,
    requestId,
    connectionId,
    runId,
    personId,
    groupId,
    agentId: agency.agentId,
    templateId: template?.id ?? '',
  };

  const page = await administrator.open('/account');
  // She is there to be seen: the list, her page, her group and the sync that brought her.
  const places = [
    '/school/[schoolId]/data/people/[personId]',
    '/school/[schoolId]/data/groups/[groupId]',
    '/school/[schoolId]/connections/[connectionId]/runs/[runId]?changes=students',
  ];
  for (const place of places) {
    const address = addressOf(place, ids) ?? '';
    await expect.poll(() => told(page, address), place).toContain(recognisable.family);
  }
  await expect.poll(() => told(page, `/school/${schoolId}/data?show=students`)).toContain(recognisable.number);

  expect(await seenAnywhere(agency.agent, '/agent', ids)).toEqual([]);
  expect(await seenAnywhere(agency.administrator, '/agent', ids)).toEqual([]);
  expect(await seenAnywhere(operator, '/operator', ids)).toEqual([]);
  const tom = await joinSchool(cast, school, 'Tom Technical', ['technical-contact', 'approver', 'signatory']);
  expect(await seenAnywhere(tom, '/school', ids)).toEqual([]);
  for (const place of [...places, '/school/[schoolId]/data?show=students']) {
    expect(await told(tom.page, addressOf(place, ids) ?? ''), place).toEqual([]);
  }
});
