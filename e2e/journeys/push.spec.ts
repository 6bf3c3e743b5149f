import type { Page } from '@playwright/test';
import { seen } from '../fixtures/look.ts';
import { moodle } from '../fixtures/sandbox.ts';
import { joinSchool, moodleLive, schoolInForce, sisLive } from '../fixtures/scenes.ts';
import { expect, test } from '../fixtures/test.ts';

/** The number in a row and column of the table of a push. */
async function count(page: Page, what: string, column: string): Promise<number> {
  const table = page.getByRole('table', { name: 'What would be written' });
  const columns = await table.getByRole('columnheader').allTextContents();
  const at = columns.findIndex((name) => name.trim() === column);
  expect(at, `${column} among ${columns.join(', ')}`).toBeGreaterThan(0);
  const cell = table.getByRole('row').filter({ has: page.getByRole('rowheader', { name: what, exact: true }) });
  const text = await cell
    .getByRole('cell')
    .nth(at - 1)
    .textContent();
  return text === '–' ? 0 : Number(text?.replaceAll(',', ''));
}

test('a Moodle is written into: asked from its card, previewed, written, ended with everything suspended', async ({
  cast,
  agency,
  operator,
  sis,
}) => {
  test.setTimeout(240_000);
  const school = await schoolInForce(cast, operator, agency);
  const { schoolId, administrator, home } = school;
  const approver = await joinSchool(cast, school, 'Petra Approver', ['approver']);
  const [, lms] = await Promise.all([sisLive(school, sis), moodleLive(school)]);
  const wide = await moodle.wideToken();
  const [before, usersBefore] = [await moodle.courses(wide), await moodle.users(wide)];

  await test.step('the school asks from the LMS’s card, and chooses the way', async () => {
    const page = await administrator.open(`${home}/systems/${lms.systemId}`);
    await page.getByRole('link', { name: /roster of Registra/ }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Give Moodle the roster of Registra');
    await page.getByLabel('How does it get there?').selectOption({ label: 'Crosswalk writes it into Moodle' });
    await expect(page.getByText('you see a preview of everything that would be written')).toBeVisible();
    await seen(page, 'push-asked');
    await page.getByRole('button', { name: 'Send to the approver' }).click();
    await expect(page.getByText('Write a few words.')).toBeVisible();
    await page.getByLabel('What for').fill('A course in Moodle for every group, with its teachers and students.');
    await page.getByRole('button', { name: 'Send to the approver' }).click();
    await expect(page.getByText('Sent. The approver has been told.')).toBeVisible();
  });

  const connectionId = await test.step('the approver releases it', async () => {
    const { items } = await approver.api.connections.inbox.query({ schoolId });
    const page = await approver.open(`${home}/requests/${items[0]?.requestId ?? ''}`);
    await expect(page.getByRole('heading', { level: 1 })).toContainText('Moodle');
    await seen(page, 'push-decision');
    await page.getByRole('button', { name: /^Release this to/ }).click();
    await expect(
      page.getByText('You have released this.').or(page.getByText('Petra Approver released this')),
    ).toBeVisible();
    const { edges } = await administrator.api.connections.schoolGraph.query({ schoolId });
    return edges.find(({ consumer }) => consumer.kind === 'lms')?.connectionId ?? '';
  });
  const push = `${home}/connections/${connectionId}/push`;

  await test.step('a token for courses alone does not do: the page says whose turn it is, and nothing is offered', async () => {
    const page = administrator.page;
    await expect(async () => {
      await page.goto(push);
      await expect(page.getByText('Moodle does not let Crosswalk write yet')).toBeVisible({ timeout: 2_000 });
    }).toPass({ timeout: 30_000 });
    await expect(page.getByRole('button', { name: 'Preview the first push' })).toBeHidden();
    await seen(page, 'push-not-permitted');
    await page.getByRole('link', { name: 'Open Moodle' }).click();
    await expect(page.getByRole('main')).toContainText('enrol_manual_enrol_users');
    await seen(page, 'push-credential-wanted');
    await page.getByRole('button', { name: 'Enter other credentials' }).click();
    await page.getByLabel('Web service token').fill(wide);
    await page.getByRole('button', { name: 'Try these credentials' }).click();
    await expect(page.getByText('It works. Each kind of data was really read.')).toBeVisible();
    await expect(async () => {
      const { edges } = await administrator.api.connections.schoolGraph.query({ schoolId });
      expect(edges.find(({ consumer }) => consumer.kind === 'lms')).toMatchObject({ cause: 'push-awaited' });
    }).toPass({ timeout: 30_000 });
    await page.goto(`${home}/connections/${connectionId}`);
    await seen(page, 'push-awaited');
  });

  const planned = await test.step('the settings are chosen, and the first push is shown before it writes', async () => {
    const page = administrator.page;
    await page.goto(push);
    await expect(page.getByText('Nothing has been written into Moodle yet.')).toBeVisible();
    await page.getByLabel('Host of made-up addresses').fill('school.example');
    await page.getByRole('button', { name: 'Save and preview' }).click();
    await expect(page.getByRole('alert').first()).toBeVisible();
    await page.getByLabel('Host of made-up addresses').fill('school.invalid');
    await page.getByRole('button', { name: 'Save and preview' }).click();
    await expect(page.getByText('A push waits for you')).toBeVisible({ timeout: 30_000 });
    await seen(page, 'push-waits');
    await page.getByRole('link', { name: 'Look at it' }).click();
    await expect(page.getByText('It is the first push')).toBeVisible();
    await expect(page.getByText('No mail and no notification goes to anybody.')).toBeVisible();
    await seen(page, 'push-preview');
    expect(await moodle.courses(wide)).toHaveLength(before.length);
    // Accounts that are there already are proposed, never doubled.
    const proposed = await count(page, 'Accounts', 'adopt?');
    expect(proposed).toBeGreaterThan(0);
    await page.getByRole('button', { name: 'Adopt all of these' }).click();
    // Two people who look like one account are told apart one by one.
    const waiting = page.getByText(/wait for an answer below/);
    await expect
      .poll(async () => Number(/^\d+/.exec((await waiting.allTextContents()).join(''))?.[0] ?? 0))
      .toBeLessThan(proposed / 4);
    return {
      courses: await count(page, 'Courses', 'make'),
      accounts: await count(page, 'Accounts', 'make'),
    };
  });

  await test.step('after the yes it is written, and the connection is live', async () => {
    expect(planned.courses).toBeGreaterThan(0);
    expect(planned.accounts).toBeGreaterThan(0);
    const page = administrator.page;
    await page.getByRole('button', { name: 'Write this' }).click();
    await expect(page.getByRole('status').first()).toContainText('Done', { timeout: 60_000 });
    await expect(page.getByRole('heading', { name: 'What was written' })).toBeVisible();
    await seen(page, 'push-written');
    const after = await moodle.courses(wide);
    const usersAfter = await moodle.users(wide);
    // Who was there already is adopted and no second account is made of him.
    expect(usersAfter.length - usersBefore.length).toBe(planned.accounts);
    expect(after.length - before.length).toBe(planned.courses);
    await page.goto(push);
    await expect(page.getByRole('button', { name: 'Push now' })).toBeVisible();
    await page.goto(`${home}/connections/${connectionId}`);
    await expect(page.getByRole('main')).toContainText('Live');
    await seen(page, 'push-live');
  });

  await test.step('the next push makes whoever was not answered for and is told apart now; the one after writes nothing', async () => {
    const page = administrator.page;
    const again = async () => {
      await page.goto(push);
      await page.getByRole('button', { name: 'Push now' }).click();
      await expect(page.getByRole('status').first()).toContainText('Done', { timeout: 60_000 });
    };
    await again();
    const accounts = (await moodle.users(wide)).length;
    await again();
    await expect(page.getByRole('columnheader', { name: 'set aside' })).toBeVisible();
    for (const column of ['make', 'adopt', 'change', 'written'])
      await expect(page.getByRole('columnheader', { name: column, exact: true })).toBeHidden();
    expect(await moodle.users(wide)).toHaveLength(accounts);
  });

  await test.step('it is ended: everything that is ours is suspended over there, and the connection is over', async () => {
    const page = administrator.page;
    await page.goto(push);
    await page.getByLabel(/What becomes of/).selectOption({ label: 'Suspend accounts and enrolments' });
    await seen(page, 'push-ending');
    await page.getByRole('button', { name: 'End the connection…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'End and suspend' }).click();
    await expect(async () => {
      const { edges } = await administrator.api.connections.schoolGraph.query({ schoolId });
      const edge = edges.find(({ consumer }) => consumer.kind === 'lms');
      expect(edge?.state ?? 'revoked').toBe('revoked');
    }).toPass({ timeout: 60_000 });
    expect(await moodle.courses(wide)).toHaveLength(before.length + planned.courses);
  });
});
