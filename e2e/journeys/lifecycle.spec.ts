import type { Page } from '@playwright/test';
import { seen } from '../fixtures/look.ts';
import { mailsTo } from '../fixtures/mail.ts';
import { joinSchool, newestRun, runEnded, schoolInForce, sisLive, syncAgain } from '../fixtures/scenes.ts';
import { expect, test } from '../fixtures/test.ts';

/** The edge on the graph, read by its label as a screen reader has it. */
const edge = (page: Page, state: RegExp) =>
  page.getByRole('link', { name: new RegExp(`receives .* from Registra: .*${state.source}`, 'i') }).first();

test('a connection is paused, resumed, narrowed, renewed and ended, and a receipt says what was destroyed', async ({
  cast,
  agency,
  operator,
  sis,
}) => {
  test.setTimeout(150_000);
  const school = await schoolInForce(cast, operator, agency);
  const { connectionId, systemId } = await sisLive(school, sis);
  const here = `${school.home}/connections/${connectionId}`;
  const page = await school.administrator.open(here);
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Registra');
  await seen(page, 'connection-live');

  await test.step('paused: shown at once on the graph, and nothing is read', async () => {
    await page.getByRole('button', { name: 'Pause…' }).click();
    await seen(page, 'connection-pause');
    await page.getByRole('dialog').getByRole('button', { name: 'Pause it' }).click();
    await expect(page.getByText('The school has paused it.').first()).toBeVisible();
    await page.goto(school.home);
    await expect(edge(page, /Paused/)).toBeVisible();
    await seen(page, 'school-home-paused');
  });

  await test.step('resumed: a sync follows by itself', async () => {
    const { id } = await newestRun(school, systemId);
    await page.goto(here);
    await page.getByRole('button', { name: 'Resume' }).click();
    await runEnded(school, systemId, 'succeeded', id);
    await expect(page.getByText('Everything is in sync.').first()).toBeVisible({ timeout: 20_000 });
  });

  await test.step('synced by hand', async () => {
    const { id } = await newestRun(school, systemId);
    const before = (await sis.requests()).length;
    await page.getByRole('button', { name: 'Sync now' }).click();
    await runEnded(school, systemId, 'succeeded', id);
    expect((await sis.requests()).length).toBeGreaterThan(before);
  });

  await test.step('narrowed: streams are gone, and a receipt says so', async () => {
    await page.getByRole('button', { name: 'Release less…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Release only this' }).click();
    await expect(dialog.getByText('This is what is released already.')).toBeVisible();
    await dialog.getByRole('checkbox', { name: /streams/i }).uncheck();
    await seen(page, 'connection-narrow');
    await dialog.getByRole('button', { name: 'Release only this' }).click();
    await expect(dialog).toBeHidden();
    const { edges } = await school.administrator.api.connections.schoolGraph.query({ schoolId: school.schoolId });
    expect(edges[0]?.flows.map(({ scope }) => scope)).toEqual(['roster.subjects', 'roster.groups']);
  });

  await test.step('renewed until a later day', async () => {
    await page.getByRole('button', { name: 'Renew…' }).click();
    const until = `${new Date().getUTCFullYear() + 1}-10-15`;
    await page.getByRole('dialog').getByLabel('New end').fill(until);
    await page.getByRole('dialog').getByRole('button', { name: 'Renew it' }).click();
    await expect(page.getByRole('dialog')).toBeHidden();
    await expect(page.getByRole('main')).toContainText(/15 October|October 15/);
  });

  await test.step('ended: the dialog names what ends, the credential is destroyed, the receipt says so', async () => {
    await page.getByRole('button', { name: 'End this connection…' }).click();
    await expect(page.getByRole('dialog')).toContainText('credentials are destroyed');
    await seen(page, 'connection-end');
    await page.getByRole('dialog').getByRole('button', { name: 'End it for good' }).click();
    await expect(page.getByText('The school has ended it.').first()).toBeVisible();
    await seen(page, 'connection-ended');
    const before = (await sis.requests()).length;
    const receipts = await school.administrator.api.connections.receipts.query({ schoolId: school.schoolId });
    expect(JSON.stringify(receipts)).toContain('credential');
    await page.goto(`${school.home}/data`);
    await expect(page.getByRole('main')).toContainText(/receipt/i);
    await seen(page, 'school-data-receipts');
    expect((await sis.requests()).length, 'nothing is asked any more').toBe(before);
  });
});

test('the SIS administrator deletes the client: failing with cause and next step, and live again with a new one', async ({
  cast,
  agency,
  operator,
  sis,
}) => {
  const school = await schoolInForce(cast, operator, agency);
  const tom = await joinSchool(cast, school, 'Tom Technical', ['technical-contact']);
  const { systemId, connectionId, client } = await sisLive(school, sis);
  await sis.deleteClient(client.clientId);

  const page = await school.administrator.open(`${school.home}/connections/${connectionId}`);
  const { id } = await newestRun(school, systemId);
  await page.getByRole('button', { name: 'Sync now' }).click();
  await runEnded(school, systemId, 'failed', id);
  await page.goto(school.home);
  await expect(edge(page, /Failing/)).toBeVisible();
  await expect(page.getByRole('main')).toContainText('Renew the credentials');
  await seen(page, 'school-home-failing');
  await page.goto(`${school.home}/connections/${connectionId}`);
  await expect(
    page.getByText(/Registra no longer accepts the credentials that Crosswalk holds\./).first(),
  ).toBeVisible();
  await seen(page, 'connection-failing');

  await expect
    .poll(async () => (await mailsTo(tom.context.request, tom.email)).map(({ subject }) => subject), {
      message: 'the technical contact is told by mail',
    })
    .toContainEqual(expect.stringContaining('has stopped working'));
  const agentsView = await agency.agent.open(`/agent/${agency.agentId}/schools/${school.schoolId}`);
  await expect(agentsView.getByRole('main')).toContainText('Needs attention');

  const mending = await tom.open(school.home);
  await mending.getByRole('link', { name: 'Renew the credentials' }).first().click();
  const renewed = await sis.newClient();
  const enter = mending.getByRole('button', { name: 'Enter other credentials' });
  await expect(enter.or(mending.getByLabel('Client id'))).toBeVisible();
  if (await enter.isVisible()) await enter.click();
  await mending.getByLabel('Client id').fill(renewed.clientId);
  await mending.getByLabel('Client secret').fill(renewed.clientSecret);
  await mending.getByRole('button', { name: 'Try these credentials' }).click();
  await expect(mending.getByText('It works. Each kind of data was really read.')).toBeVisible();
  await page.goto(school.home);
  await expect(edge(page, /Live/)).toBeVisible({ timeout: 30_000 });
});

test('everything is stopped with one switch by an administrator, and released by him', async ({
  cast,
  agency,
  operator,
  sis,
}) => {
  const school = await schoolInForce(cast, operator, agency);
  const petra = await joinSchool(cast, school, 'Petra Approver', ['approver']);
  const { systemId } = await sisLive(school, sis);
  const page = await school.administrator.open(school.home);
  await page.getByRole('button', { name: 'Stop everything…' }).click();
  await expect(page.getByRole('dialog')).toContainText('1 running connection pauses at once');
  await seen(page, 'stop-everything');
  await page.getByRole('dialog').getByRole('button', { name: 'Stop everything' }).click();
  await expect(page.getByText('Everything is stopped. Nothing is read or sent.')).toBeVisible();
  await expect(edge(page, /Paused/)).toBeVisible();
  await seen(page, 'school-home-stopped');

  const watching = await petra.open(school.home);
  await expect(watching.getByText('A school administrator can release it.')).toBeVisible();
  await expect(watching.getByRole('button', { name: 'Release everything' })).toHaveCount(0);

  await page.getByRole('button', { name: 'Release everything' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Release everything' }).click();
  await expect(edge(page, /Live/)).toBeVisible({ timeout: 30_000 });
  await runEnded(school, systemId);
});

test('a running sync shows phase and counts, and goes on while nobody looks', async ({
  cast,
  agency,
  operator,
  sis,
}) => {
  const school = await schoolInForce(cast, operator, agency);
  const { connectionId, systemId } = await sisLive(school, sis);
  const lift = await sis.fault({ kind: 'latency', ms: 1_200, path: `/${sis.slug}/ims/*` });
  const here = `${school.home}/connections/${connectionId}`;
  const page = await school.administrator.open(here);
  await page.getByRole('button', { name: 'Sync now' }).click();
  await expect(page.getByText(/A sync is running|A sync waits to start/)).toBeVisible();
  await expect(page.getByRole('progressbar').first()).toBeVisible();
  await seen(page, 'connection-syncing');
  await page.goto(school.home);
  await expect(page.getByText(/fetching, .* records so far|a sync waits to start|…$/).first()).toBeVisible();
  await lift();
  await runEnded(school, systemId);
  await page.goto(here);
  await expect(page.getByText('A sync is running')).toHaveCount(0);
});

test('a sync that would change too much is held until somebody has looked', async ({ cast, agency, operator, sis }) => {
  const school = await schoolInForce(cast, operator, agency);
  const { connectionId, systemId } = await sisLive(school, sis);
  expect(await sis.loseHalfOfTheGroups()).toBeGreaterThan(2);
  // Missing once is not gone.
  await syncAgain(school, systemId);
  const { id } = await newestRun(school, systemId);
  const page = await school.administrator.open(`${school.home}/connections/${connectionId}`);
  await page.getByRole('button', { name: 'Sync now' }).click();
  await runEnded(school, systemId, 'held', id);
  await page.goto(school.home);
  await page.getByRole('link', { name: 'Review the sync' }).first().click();
  await page.getByRole('link', { name: 'Look at the held sync' }).click();
  await expect(page.getByText(/\d+ of \d+ records in groups( at .+)? would be gone/).first()).toBeVisible();
  await seen(page, 'sync-held');
  await page.getByRole('button', { name: /Discard/ }).click();
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /Discard/ })
    .click();
  await expect(page.getByText(/Discarded|discarded/).first()).toBeVisible();
});

test('who has what of the school: the register is shown and exported', async ({ cast, agency, operator, sis }) => {
  const school = await schoolInForce(cast, operator, agency);
  await sisLive(school, sis);
  const page = await school.administrator.open(`${school.home}/data`);
  await expect(page.getByRole('main')).toContainText('without any person');
  await seen(page, 'school-data');
  await page.getByRole('main').getByRole('link', { name: 'Who has what' }).first().click();
  await expect(page.getByRole('main')).toContainText('Registra');
  await seen(page, 'school-register');
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'As CSV' }).click();
  expect((await download).suggestedFilename()).toMatch(/\.(csv|json)$/);
});
