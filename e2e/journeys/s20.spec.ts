import type { Page } from '@playwright/test';
import { Atrium } from '../fixtures/atrium.ts';
import { seen } from '../fixtures/look.ts';
import { mailedLink } from '../fixtures/mail.ts';
import { demoPassword } from '../fixtures/person.ts';
import { sandboxUrls } from '../fixtures/product.ts';
import { joinSchool, moodleLive, schoolInForce, sisLive } from '../fixtures/scenes.ts';
import { expect, test } from '../fixtures/test.ts';

/** Paths of OneRoster that would give people away. */
const peoplePaths = /users|students|teachers|enrollments|demographics/i;

const edge = (page: Page, consumer: string, producer: string, state: RegExp) =>
  page
    .getByRole('link', { name: new RegExp(`^${consumer} receives .* from ${producer}: .*${state.source}`, 'i') })
    .first();

/** The value beside a name in a list of facts. */
async function fact(page: Page, name: string): Promise<string> {
  const value = page.getByRole('definition').filter({ has: page.getByRole('button', { name: `Copy ${name}` }) });
  return (await value.locator('code').textContent()) ?? '';
}

test('S.2.0 whole: SIS, marketplace and LMS connected; the LMS pulls its roster, until the school ends it', async ({
  browser,
  cast,
  agency,
  operator,
  sis,
}) => {
  test.setTimeout(240_000);
  const school = await schoolInForce(cast, operator, agency);
  const { schoolId, administrator, home } = school;
  const approver = await joinSchool(cast, school, 'Petra Approver', ['approver']);
  const noor = await cast.person('Noor Lmsadmin', `noor@${school.domain}`);
  const askedBefore = (await sis.requests()).length;
  const [leg1, atrium] = await Promise.all([sisLive(school, sis), Atrium.signIn(browser), moodleLive(school)]);

  await test.step('two legs: the marketplace receives of SIS and LMS, and no person was asked for', async () => {
    const { edges } = await administrator.api.connections.schoolGraph.query({ schoolId });
    expect(edges.map(({ state }) => state)).toEqual(['live', 'live']);
    const asked = (await sis.requests()).slice(askedBefore);
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter(({ path }) => peoplePaths.test(path))).toEqual([]);
    const { total } = await administrator.api.data.people.query({ schoolId });
    expect(total).toBe(0);
  });

  const handed =
    await test.step('the LMS’s administrator asks on the pairing page that the school sent him', async () => {
      const sending = await administrator.open(`${home}/systems/${leg1.systemId}`);
      await sending.getByRole('button', { name: 'Send a pairing link' }).click();
      const dialog = sending.getByRole('dialog');
      await dialog.getByLabel('Name').fill(noor.name);
      await dialog.getByLabel('E-mail address').fill(noor.email);
      await dialog.getByRole('button', { name: 'Send the link' }).click();
      await expect(sending.getByText(`Sent to ${noor.email}.`).first()).toBeVisible();
      const page = await noor.open(await mailedLink(noor.context.request, noor.email, 'pair'));
      await expect(page.getByRole('heading', { level: 1 })).toHaveText(
        `Get the roster of ${school.name} from Registra`,
      );
      await page.getByRole('button', { name: `Ask ${school.name}` }).click();
      await expect(page.getByText('Write its name.')).toBeVisible();
      await page.getByLabel('Its name').fill('Atrium');
      await page.getByLabel('Its address').fill(sandboxUrls.puller);
      await page.getByLabel('Your e-mail address').fill(noor.email);
      await page.getByLabel('What for').fill('A course in Atrium for every group, with its teachers and students.');
      await page.getByRole('button', { name: `Ask ${school.name}` }).click();
      await expect(page.getByRole('heading', { name: 'Your request is with the school' })).toBeVisible();
      const shown = {
        baseUrl: await fact(page, 'OneRoster 1.2'),
        tokenUrl: await fact(page, 'Token address'),
        clientId: await fact(page, 'Client id'),
        clientSecret: await fact(page, 'Secret'),
      };
      await page.reload();
      await expect(page.getByRole('main')).not.toContainText(shown.clientSecret);
      return shown;
    });

  await test.step('before the school has decided, the client opens nothing', async () => {
    await atrium.enter(school.name, handed);
    await seen(atrium.page, 'atrium-entered');
    await atrium.pull();
    await expect(atrium.page.getByRole('alert')).toBeVisible();
    expect(await atrium.received('Students')).toBe(0);
  });

  await test.step('the approver, as owner of the SIS, releases people to Atrium', async () => {
    const { items } = await approver.api.connections.inbox.query({ schoolId });
    const page = await approver.open(`${home}/requests/${items[0]?.requestId ?? ''}`);
    await expect(page.getByRole('heading', { level: 1 })).toContainText('Atrium');
    for (const what of ['students', 'teachers', 'groups', 'streams', 'subjects'])
      await expect(page.getByRole('checkbox', { name: new RegExp(`^${what}`, 'i') })).toBeChecked();
    await page.getByRole('button', { name: /^Release this to/ }).click();
    await expect(
      page.getByText('You have released this.').or(page.getByText('Petra Approver released this')),
    ).toBeVisible();
  });

  const third = await test.step('the graph has three live edges, each with both consents', async () => {
    const page = approver.page;
    await page.goto(home);
    await expect(edge(page, 'Atrium', 'Registra', /Live/)).toBeVisible({ timeout: 60_000 });
    await expect(edge(page, '.*', 'Moodle', /Live/)).toBeVisible();
    await seen(page, 'school-home-three-legs');
    const { edges } = await administrator.api.connections.schoolGraph.query({ schoolId });
    expect(edges.map(({ state }) => state)).toEqual(['live', 'live', 'live']);
    for (const { connectionId, consumer } of edges) {
      await page.goto(`${home}/connections/${connectionId}`);
      await expect(page.getByText(`${school.name} agreed`)).toBeVisible();
      await expect(page.getByText(/ agreed$/)).toHaveCount(2);
      if (consumer.kind === 'lms') await expect(page.getByRole('main')).toContainText(noor.name);
    }
    return edges.find(({ consumer }) => consumer.kind === 'lms')?.connectionId ?? '';
  });

  await test.step('Atrium pulls groups, streams, subjects, teachers and students', async () => {
    await atrium.pull();
    await expect(atrium.page.getByRole('status')).toContainText('Everything that the school shares was received');
    const { total: students } = await administrator.api.data.people.query({ schoolId, kind: 'student' });
    const { total: teachers } = await administrator.api.data.people.query({ schoolId, kind: 'teacher' });
    expect(students).toBeGreaterThan(0);
    expect(await atrium.received('Students')).toBe(students);
    expect(await atrium.received('Teachers')).toBe(teachers);
    for (const what of ['Groups', 'Streams', 'Subjects', 'Enrolments'] as const)
      expect(await atrium.received(what), what).toBeGreaterThan(0);
    await expect(atrium.page.getByRole('main')).toContainText('Every record could be read.');
    await seen(atrium.page, 'atrium-received');
    await atrium.look('Students', async (page) => {
      await expect(page.getByRole('main')).toContainText(' received, page 1 of');
      await seen(page, 'atrium-students');
    });
    await atrium.look('Groups', async (page) => {
      await page.getByRole('row').nth(1).getByRole('link').click();
      await expect(page.getByRole('heading', { name: 'Students' })).toBeVisible();
    });
  });

  await test.step('the marketplace’s own edge carries no person still', async () => {
    const { rows } = await administrator.api.data.people.query({ schoolId, kind: 'student' });
    const page = await administrator.open(`${home}/data/people/${rows[0]?.id ?? ''}`);
    await expect(page.getByRole('heading', { name: 'Who can see this child' })).toBeVisible();
    await expect(page.getByRole('main')).toContainText('Atrium');
    await expect(page.getByRole('main')).toContainText('1 recipient can see them');
    await seen(page, 'student-whom-an-lms-sees');
    await page.goto(`${home}/connections/${leg1.connectionId}`);
    await expect(page.getByRole('main')).toContainText('No people. The marketplace');
    await expect(page.getByText(/asked for people: for other connections of Registra/)).toBeVisible();
    const { edges } = await administrator.api.connections.schoolGraph.query({ schoolId });
    const own = edges.find(({ connectionId }) => connectionId === leg1.connectionId);
    expect(own?.records, 'records of the marketplace’s edge').toBe(
      own?.flows.reduce((sum, { count }) => sum + (count ?? 0), 0),
    );
  });

  await test.step('ended by the school: Atrium’s next question is refused, and the other legs stay', async () => {
    const page = approver.page;
    await page.goto(`${home}/connections/${third}`);
    await page.getByRole('button', { name: 'End this connection…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'End it for good' }).click();
    await expect(page.getByText('The school has ended it.').first()).toBeVisible();
    await atrium.pull();
    await expect(atrium.page.getByRole('alert')).toContainText('The school has ended the connection');
    await expect(atrium.page.getByRole('alert')).toContainText('401');
    await seen(atrium.page, 'atrium-ended');
    const { edges } = await administrator.api.connections.schoolGraph.query({ schoolId });
    expect(edges.map(({ state }) => state)).toEqual(['live', 'live']);
    await expect
      .poll(async () => (await administrator.api.data.people.query({ schoolId })).total, { timeout: 30_000 })
      .toBe(0);
  });
  await atrium.close();
});

test('the demo’s live school has all three legs, and Atrium shows its roster', async ({ browser, cast }) => {
  const saskia = await cast.person('Saskia van den Berg', 'saskia@lindenhof.example', demoPassword);
  await saskia.signInQuietly();
  const page = await saskia.open('/start');
  for (const [consumer, producer] of [
    ['.*', 'Registra'],
    ['.*', 'Canvas'],
    ['.*', 'Moodle'],
    ['Atrium', 'Registra'],
  ] as const)
    await expect(edge(page, consumer, producer, /Live/)).toBeVisible();
  const atrium = await Atrium.signIn(browser);
  const row = atrium.page.getByRole('row').filter({ hasText: 'Lindenhof Schools' });
  await expect(row.getByRole('cell').nth(4)).toContainText('Received');
  await row.getByRole('link').click();
  for (const what of ['Groups', 'Streams', 'Subjects', 'Teachers', 'Students'] as const)
    expect(await atrium.received(what), what).toBeGreaterThan(0);
  await atrium.close();
});
