import type { Page } from '@playwright/test';
import { seen } from '../fixtures/look.ts';
import { mailedLink } from '../fixtures/mail.ts';
import { putStudent } from '../fixtures/people-in-roster.ts';
import type { Person } from '../fixtures/person.ts';
import { putPush } from '../fixtures/push-in-lms.ts';
import { addressOf, everyRoute } from '../fixtures/routes.ts';
import { Sis } from '../fixtures/sandbox.ts';
import {
  approve,
  inviteColleague,
  newestRun,
  requestSent,
  schoolInForce,
  sisLive,
  sisWanted,
} from '../fixtures/scenes.ts';
import { expect, test } from '../fixtures/test.ts';

/** On a phone nothing stands beyond the right edge, and every page says what it is. */
async function expectToFit(page: Page, route: string): Promise<void> {
  await expect(page.getByRole('heading', { level: 1 }).first(), route).toBeVisible();
  expect(await page.title(), `${route} has a title`).toMatch(/\S/);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(width, `${route} is wider than the phone`).toBeLessThanOrEqual(390);
}

async function walk(person: Person, routes: readonly string[], ids: Record<string, string>): Promise<string[]> {
  const page = await person.open('/account');
  await page.setViewportSize({ width: 390, height: 844 });
  const left: string[] = [];
  for (const route of routes) {
    const address = addressOf(route, ids);
    if (address === null) {
      left.push(route);
      continue;
    }
    const errors: string[] = [];
    const listen = (error: Error) => errors.push(error.message);
    page.on('pageerror', listen);
    const answer = await page.goto(address);
    expect(answer?.status(), route).toBe(200);
    await expectToFit(page, route);
    await seen(page, `page${route}`);
    page.off('pageerror', listen);
    expect(errors, `errors of scripts at ${route}`).toEqual([]);
  }
  return left;
}

// A page that is new is visited here without a line written; one whose address needs a value that this file does not
// know fails until it is given.
test('every page of a school fits a phone and has no violation', async ({ cast, agency, operator, sis }) => {
  test.setTimeout(240_000);
  const school = await schoolInForce(cast, operator, agency);
  const { systemId, requestId, connectionId } = await sisLive(school, sis);
  const { schoolId, agreementId } = school;
  const { id: runId } = await newestRun(school, systemId);
  const personId = await putStudent(school, { systemId, runId });
  const { rows } = await school.administrator.api.data.groups.query({ schoolId });
  const groupId = rows[0]?.id ?? '';
  const ids = { schoolId, agreementId, systemId, requestId, connectionId, runId, personId, groupId };
  const routes = everyRoute().filter((route) => route.startsWith('/school/'));
  const isOfPush = (route: string) => route.includes('/push');
  expect(
    await walk(
      school.administrator,
      routes.filter((route) => !isOfPush(route)),
      ids,
    ),
  ).toEqual([]);
  const pushed = await putPush(school, { systemId, connectionId });
  expect(await walk(school.administrator, routes.filter(isOfPush), { schoolId, ...pushed })).toEqual([]);
});

test('every page of an agent fits a phone and has no violation', async ({ cast, agency, operator }) => {
  test.setTimeout(240_000);
  const school = await schoolInForce(cast, operator, agency);
  await requestSent(school, sisWanted(new Sis()));
  const { agentId, administrator } = agency;
  const { templateId } = await administrator.api.agreements.saveTemplate.mutate({
    agentId,
    name: 'Our own text',
    locale: 'en',
    body: 'Agreement with {{school}}',
    dataProcessingTerms: 'Terms',
  });
  const ids = { agentId, schoolId: school.schoolId, agreementId: school.agreementId, templateId };
  const routes = everyRoute().filter((route) => route.startsWith('/agent/'));
  // A draft alone can be edited.
  const drafts = routes.filter((route) => route.includes('[agreementId]/edit'));
  expect(
    await walk(
      administrator,
      routes.filter((route) => !drafts.includes(route)),
      ids,
    ),
  ).toEqual([]);
  const draft = await agency.agent.api.agreements.drawUp.mutate({
    agentId,
    schoolId: school.schoolId,
    templateId,
    termStart: `${new Date().getUTCFullYear() + 2}-01-01`,
    termEnd: `${new Date().getUTCFullYear() + 2}-12-31`,
    products: 'all',
    priceNote: '',
    signatoryName: school.administrator.name,
    signatoryEmail: school.administrator.email,
  });
  expect(await walk(administrator, drafts, { ...ids, agreementId: draft.agreementId })).toEqual([]);
});

test('every page of the operator fits a phone and has no violation', async ({ cast, agency, operator }) => {
  test.setTimeout(240_000);
  const school = await schoolInForce(cast, operator, agency);
  const again = await cast.person(operator.name, operator.email, operator.password);
  await again.signInQuietly();
  const [template] = await operator.api.agreements.listTemplates.query({});
  const ids = {
    schoolId: school.schoolId,
    agreementId: school.agreementId,
    agentId: agency.agentId,
    templateId: template?.id ?? '',
  };
  const routes = everyRoute().filter((route) => route.startsWith('/operator'));
  expect(await walk(again, routes, ids)).toEqual([]);
});

test('every page that needs no account fits a phone and has no violation', async ({ cast, agency, operator, sis }) => {
  const colleague = await inviteColleague(cast, agency);
  const invitation = await mailedLink(colleague.context.request, colleague.email, 'invitation');
  const school = await schoolInForce(cast, operator, agency);
  const asked = await requestSent(school, sisWanted(sis));
  await approve(school, asked);
  const email = `runs-it@${school.domain}`;
  await school.administrator.api.connections.sendToTechnicalContact.mutate({
    schoolId: school.schoolId,
    systemId: asked.systemId,
    name: 'Rik Runsit',
    email,
  });
  const connect = await mailedLink(colleague.context.request, email, 'connect');
  const somebody = await cast.person('Somebody', 'somebody@elsewhere.example');
  const page = await somebody.open('/');
  await page.setViewportSize({ width: 390, height: 844 });
  const tokenOf = (link: string) => link.split('/').at(-1) ?? '';
  // Portals have tests of their own; the pages of half a session are met where one signs in.
  const routes = everyRoute().filter(
    (route) => !/^\/(school|agent|operator)(\/|$)|^\/(account|start)$|second-factor/.test(route),
  );
  for (const route of routes) {
    const token = route.startsWith('/connect') ? tokenOf(connect) : tokenOf(invitation);
    const address = addressOf(route, { token });
    expect(address, route).not.toBeNull();
    await page.goto(address ?? '');
    await expectToFit(page, route);
    await seen(page, `page${route}`);
  }
});
