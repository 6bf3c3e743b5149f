import type { Page } from '@playwright/test';
import { seen } from '../fixtures/look.ts';
import { openFromMail } from '../fixtures/mail.ts';
import type { SisClient } from '../fixtures/sandbox.ts';
import { joinSchool, requestSent, schoolInForce, sisWanted } from '../fixtures/scenes.ts';
import { expect, test } from '../fixtures/test.ts';

/** Paths of OneRoster that would give people away. */
const peoplePaths = /users|students|teachers|enrollments|demographics/i;

/** Types credentials into the page that stands open and has them tried. */
async function enterCredentials(page: Page, { clientId, clientSecret }: SisClient): Promise<void> {
  await page.getByLabel('Client id').fill(clientId);
  await page.getByLabel('Client secret').fill(clientSecret);
  await page.getByRole('button', { name: 'Try these credentials' }).click();
}

async function release(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^Release this to/ }).click();
}

test.describe('Marketplace → SIS', () => {
  test('asked for by the agent, decided by the approver, connected by whoever runs the SIS, live', async ({
    cast,
    agency,
    operator,
    sis,
  }) => {
    test.setTimeout(180_000);
    const school = await schoolInForce(cast, operator, agency);
    const petra = await joinSchool(cast, school, 'Petra Approver', ['approver']);
    const tom = await joinSchool(cast, school, 'Tom Technical', ['technical-contact']);
    const asking = await test.step('the agent writes a request, its administrator sends it', async () => {
      const page = await agency.agent.open(`/agent/${agency.agentId}/schools/${school.schoolId}`);
      await page.getByRole('link', { name: 'Ask for a connection' }).first().click();
      await page.getByLabel('Product').selectOption({ label: 'OneRoster 1.2 (SIS)' });
      await page.getByLabel('What the school calls it').fill('Registra');
      for (const people of ['teachers', 'students', 'guardians']) {
        await expect(page.getByRole('checkbox', { name: people })).toHaveCount(0);
      }
      await page.getByRole('checkbox', { name: 'The school may leave out: streams' }).check();
      await page.getByLabel('Purpose').fill('To show teachers the right materials for each of their groups.');
      await seen(page, 'agent-ask');
      await page.getByRole('button', { name: 'Write the request' }).click();
      await expect(page.getByRole('main')).toContainText('Only an administrator of your organisation sends a request');

      const sending = await agency.administrator.open(`/agent/${agency.agentId}/schools/${school.schoolId}`);
      await seen(sending, 'agent-school-request-draft');
      await sending.getByRole('button', { name: 'Send to the school' }).click();
      await expect(sending.getByRole('main')).toContainText('Requested');
      return sending;
    });

    const system = await test.step('the technical contact opens his mail and enters the address', async () => {
      const page = await tom.lookAt(
        await openFromMail(await tom.open('/'), tom.email, /the address of Registra is wanted/, 'Enter the address'),
      );
      await page.getByLabel('Address of the rostering service').fill('registra');
      await page.getByLabel('Address for tokens').fill(sis.tokenUrl);
      await seen(page, 'system-address-missing');
      await page.getByRole('button', { name: 'This is our address' }).click();
      await expect(page.getByText('This cannot be used.')).toBeVisible();
      await page.getByLabel('Address of the rostering service').fill(sis.baseUrl);
      await page.getByRole('button', { name: 'This is our address' }).click();
      await expect(page.getByText(/^Confirmed by Tom Technical/)).toBeVisible();
      await seen(page, 'system-address-confirmed');
      return page;
    });

    await test.step('the approver reads his mail, leaves a stream out, keeps to one site, and releases', async () => {
      const page = await petra.lookAt(
        await openFromMail(await petra.open('/'), petra.email, /waits for you/, 'Look at the request'),
      );
      await expect(page.getByRole('heading', { level: 1 })).toContainText('Registra');
      await expect(page.getByRole('main')).toContainText('127.0.0.1');
      await expect(page.getByRole('main')).toContainText('People are not part of it.');
      await expect(page.getByRole('main')).toContainText(agency.name);
      await seen(page, 'decision');
      await expect(page.getByRole('checkbox', { name: /^subjects/i })).toBeDisabled();
      await page.getByRole('checkbox', { name: /^streams/i }).uncheck();
      await page.getByRole('checkbox', { name: 'Noord' }).check();
      await release(page);
      await expect(
        page.getByText('You have released this.').or(page.getByText('Petra Approver released this')),
      ).toBeVisible();
      await seen(page, 'decision-released');
    });

    const client = await sis.newClient();
    await test.step('a wrong secret is explained, the right one proved', async () => {
      await system.reload();
      await enterCredentials(system, { ...client, clientSecret: 'not-the-secret-at-all' });
      await expect(system.getByText('The system does not accept these credentials.').first()).toBeVisible();
      await expect(system.getByText('It does not work yet. What was approved stays approved.')).toBeVisible();
      await seen(system, 'system-credentials-refused');
      await system.getByRole('button', { name: 'Enter other credentials' }).click();
      await enterCredentials(system, client);
      await expect(system.getByText('It works. Each kind of data was really read.')).toBeVisible({ timeout: 20_000 });
      await expect(system.getByRole('main')).not.toContainText(client.clientSecret);
      await seen(system, 'system-credentials-proved');
    });

    await test.step('the graph is live for the school, and the agent sees state but no data', async () => {
      await petra.page.goto(`/school/${school.schoolId}`);
      await expect(petra.page.getByRole('link', { name: /receives .* from Registra: Live/i }).first()).toBeVisible({
        timeout: 30_000,
      });
      await expect(petra.page.getByRole('main')).toContainText('Everything is in sync.');
      await seen(petra.page, 'school-home-live');
      await asking.reload();
      await expect(asking.getByRole('main')).toContainText('Live');
      await seen(asking, 'agent-school-live');
    });

    await test.step('no person was ever asked for: by their log, and by ours', async () => {
      const asked = await sis.requests();
      expect(asked.filter(({ path }) => path.includes('/ims/oneroster/')).length).toBeGreaterThan(0);
      expect(asked.filter(({ path }) => peoplePaths.test(path))).toEqual([]);
      await system.reload();
      await expect(system.getByText(/no teacher, student, guardian or enrolment was asked for\./)).toBeVisible();
      const calls = system.getByRole('table', { name: 'Calls made to this system' });
      await expect(calls.getByRole('row').nth(1)).toBeVisible();
      expect(peoplePaths.test((await calls.textContent()) ?? '')).toBe(false);
    });
  });

  test('declined with a reason that the agent reads', async ({ cast, agency, operator, sis }) => {
    const school = await schoolInForce(cast, operator, agency);
    const { requestId } = await requestSent(school, sisWanted(sis));
    const page = await school.administrator.open(`/school/${school.schoolId}/requests/${requestId}`);
    await page.getByRole('button', { name: 'Decline…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Decline' }).click();
    await expect(page.getByText('Write a few words, so that they know why.')).toBeVisible();
    await page.getByLabel('Reason').fill('Not before the summer holidays.');
    await seen(page, 'decision-decline');
    await page.getByRole('dialog').getByRole('button', { name: 'Decline' }).click();
    await expect(page.getByText('Reason: “Not before the summer holidays.”')).toBeVisible();
    await seen(page, 'decision-declined');
    const asking = await agency.agent.open(`/agent/${agency.agentId}/schools/${school.schoolId}`);
    await expect(asking.getByText('Declined: “Not before the summer holidays.”')).toBeVisible();
  });

  test('changed while he looks at it: he is told before he decides', async ({ cast, agency, operator, sis }) => {
    const school = await schoolInForce(cast, operator, agency);
    const { requestId } = await requestSent(school, sisWanted(sis));
    const page = await school.administrator.open(`/school/${school.schoolId}/requests/${requestId}`);
    await expect(page.getByRole('button', { name: /^Release this to/ })).toBeEnabled();
    await agency.administrator.api.connections.reviseRequest.mutate({
      agentId: agency.agentId,
      schoolId: school.schoolId,
      requestId,
      purpose: 'To sell them something else altogether.',
      scopes: [{ scope: 'roster.subjects', required: true }],
    });
    await release(page);
    await expect(page.getByText('This request has changed while you were looking at it.').first()).toBeVisible();
    await expect(page.getByText('To sell them something else altogether.')).toBeVisible();
    await expect(page.getByRole('button', { name: /^Release this to/ })).toBeDisabled();
    await seen(page, 'decision-changed');
    await page.getByRole('button', { name: 'I have seen the new state' }).click();
    await release(page);
    await expect(page.getByText('You have released this.').or(page.getByText('released this'))).toBeVisible();
  });

  test('two decide at once: one decision stands, the other is told of it', async ({ cast, agency, operator, sis }) => {
    const school = await schoolInForce(cast, operator, agency);
    const petra = await joinSchool(cast, school, 'Petra Approver', ['approver']);
    const { requestId } = await requestSent(school, sisWanted(sis));
    const here = `/school/${school.schoolId}/requests/${requestId}`;
    const pages = await Promise.all([school.administrator.open(here), petra.open(here)]);
    for (const page of pages) await expect(page.getByRole('button', { name: /^Release this to/ })).toBeEnabled();
    await Promise.all(pages.map(release));
    for (const page of pages) {
      await expect(page.getByText(/released this/).first()).toBeVisible();
      await expect(page.getByRole('button', { name: /^Release this to/ })).toHaveCount(0);
    }
    const { consents } = await petra.api.connections.decisionPage.query({ schoolId: school.schoolId, requestId });
    expect(consents.filter(({ side }) => side === 'producer')).toHaveLength(1);
  });

  test('the agent withdraws what nobody has decided', async ({ cast, agency, operator, sis }) => {
    const school = await schoolInForce(cast, operator, agency);
    const { requestId } = await requestSent(school, sisWanted(sis));
    const page = await agency.administrator.open(`/agent/${agency.agentId}/schools/${school.schoolId}`);
    await page.getByRole('button', { name: 'Withdraw' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Withdraw' }).click();
    const decision = await school.administrator.open(`/school/${school.schoolId}/requests/${requestId}`);
    await expect(decision.getByText(/has withdrawn this request/)).toBeVisible();
    await seen(decision, 'decision-withdrawn');
  });

  test('another host voids the request that was sent for the old one', async ({ cast, agency, operator, sis }) => {
    const school = await schoolInForce(cast, operator, agency);
    const { requestId, systemId } = await requestSent(school, sisWanted(sis));
    const page = await school.administrator.open(`/school/${school.schoolId}/systems/${systemId}`);
    await page.getByRole('button', { name: 'Change the address' }).click();
    await expect(page.getByText(/Another host voids the proof/)).toBeVisible();
    await page.getByLabel('Address of the rostering service').fill(sis.baseUrl.replace('127.0.0.1', 'localhost'));
    await page.getByRole('button', { name: 'Save the address' }).click();
    await expect(page.getByText(/^The new host is saved\./)).toBeVisible();
    await page.goto(`/school/${school.schoolId}/requests/${requestId}`);
    await expect(
      page.getByText(/The address of Registra changed after this was asked, so the request is void/),
    ).toBeVisible();
    await seen(page, 'decision-void');
  });
});
