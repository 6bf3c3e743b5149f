import { seen } from '../fixtures/look.ts';
import { mailsTo } from '../fixtures/mail.ts';
import {
  bringAgency,
  joinSchool,
  newTag,
  schoolInForce,
  schoolWithAgreementSent,
  sign,
  sisLive,
} from '../fixtures/scenes.ts';
import { expect, test } from '../fixtures/test.ts';

test('an agent is taken on, and its administrator comes aboard by mail', async ({ cast, operator }) => {
  const tag = newTag();
  const ada = await cast.person('Ada Agentadmin', `ada@boekhuis-${tag}.example`);
  const page = await operator.open('/operator/agents');
  await seen(page, 'operator-agents');
  await page.getByRole('link', { name: 'Take on an agent' }).first().click();
  await page.getByLabel('Name', { exact: true }).first().fill(`Boekhuis ${tag}`);
  await page.getByLabel('Country').selectOption({ label: 'Netherlands' });
  await page.getByLabel('Mail domains').fill('gmail.com');
  await page.getByLabel('Name', { exact: true }).last().fill(ada.name);
  await page.getByLabel('E-mail address').fill(ada.email);
  await page.getByRole('button', { name: 'Take on' }).click();
  await expect(page.getByText(/not one where anybody gets an address/)).toBeVisible();
  await seen(page, 'operator-agent-refused');
  await page.getByLabel('Mail domains').fill(`boekhuis-${tag}.example`);
  await page.getByRole('button', { name: 'Take on' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(`Boekhuis ${tag}`);
  await seen(page, 'operator-agent');

  const portal = await ada.acceptInvitation();
  await expect(portal.getByText('Your pipeline begins here')).toBeVisible();
  await seen(portal, 'agent-pipeline-empty');
});

test('who acts for a school is reviewed, then its agreement is countersigned', async ({ cast, operator }) => {
  const agency = await bringAgency(cast, operator, { mandate: false });
  const school = await schoolWithAgreementSent(cast, agency);
  await school.administrator.acceptInvitationQuietly();
  await sign(school);

  const page = await operator.open('/operator');
  await expect(page.getByRole('main')).toContainText(/for your review/);
  await seen(page, 'operator-overview');
  await page.goto(`/operator/schools/${school.schoolId}/agreements/${school.agreementId}`);
  await expect(page.getByText('Confirm the school first')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Countersign', exact: true })).toHaveCount(0);
  await seen(page, 'operator-agreement-school-unconfirmed');

  await page.getByRole('link', { name: 'Review the school' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText(school.name);
  await expect(page.getByRole('main')).toContainText(school.administrator.email);
  await expect(page.getByRole('main')).toContainText(agency.name);
  await seen(page, 'operator-review');
  await page.getByRole('button', { name: 'Confirm these people' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Confirm these people' }).click();
  await expect(page.getByRole('main')).toContainText('by your review');

  await page.goto(`/operator/schools/${school.schoolId}/agreements/${school.agreementId}`);
  await page.getByRole('button', { name: 'Countersign', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Countersign' }).click();
  await expect(page.getByRole('main')).toContainText('In force');
  await expect
    .poll(async () => {
      const mails = await mailsTo(school.administrator.context.request, school.administrator.email);
      return mails.some(({ html }) => html.includes('in force'));
    })
    .toBe(true);
});

test('people who are refused lose their roles and read why', async ({ cast, agency, operator }) => {
  const school = await schoolWithAgreementSent(cast, agency);
  const { administrator } = school;
  await administrator.acceptInvitationQuietly();
  const page = await operator.open(`/operator/schools/${school.schoolId}`);
  await page.getByRole('button', { name: 'Refuse them…' }).click();
  await page.getByRole('dialog').getByLabel('Reason').fill('The school does not know this person.');
  await page.getByRole('dialog').getByRole('button', { name: 'Refuse them' }).click();
  await expect(page.getByRole('main')).toContainText('The last who came were refused');
  const portal = await administrator.open(school.home);
  await expect(portal.getByRole('heading', { level: 1 })).toHaveText('There is no such page');
  await expect
    .poll(async () =>
      (await mailsTo(administrator.context.request, administrator.email)).some(({ html }) =>
        html.includes('The school does not know this person.'),
      ),
    )
    .toBe(true);
});

test('health, jobs and the audit trail, which verifies, without anything of a school’s data', async ({
  cast,
  agency,
  operator,
  sis,
}) => {
  const school = await schoolInForce(cast, operator, agency);
  await sisLive(school, sis);
  // Other tests have connected schools too: the table pages.
  const page = await operator.open(`/operator/health?search=${encodeURIComponent(school.name)}`);
  await expect(page.getByRole('main')).toContainText(school.name);
  await seen(page, 'operator-health');
  await page.goto('/operator/jobs');
  await expect(page.getByRole('table').first()).toBeVisible();
  await seen(page, 'operator-jobs');
  await page.goto('/operator/audit');
  await page.getByRole('button', { name: 'Verify the whole chain' }).click();
  await expect(page.getByText(/^Sound: \d+/)).toBeVisible();
  await seen(page, 'operator-audit-verified');
  await page.goto(`/operator/schools/${school.schoolId}`);
  await page.getByRole('button', { name: 'Verify', exact: true }).click();
  await expect(page.getByText(/^Sound: /).first()).toBeVisible();
  await expect(page.getByRole('main')).not.toContainText(sis.baseUrl);
  await seen(page, 'operator-school');
});

test('a school whose administrator left is recovered with notice to all, and any of them can stop it', async ({
  cast,
  agency,
  operator,
}) => {
  const school = await schoolInForce(cast, operator, agency);
  const petra = await joinSchool(cast, school, 'Petra Approver', ['approver']);
  const page = await operator.open(`/operator/schools/${school.schoolId}`);
  await page.getByRole('button', { name: 'Name a new administrator…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('Nina New');
  await dialog.getByLabel('E-mail address').fill(`nina@${school.domain}`);
  await dialog.getByLabel('Reason').fill('The only administrator has left the school.');
  await seen(page, 'operator-recovery');
  await dialog.getByRole('button', { name: 'Begin; it takes 72 hours' }).click();
  await expect(page.getByText(/Waits until/)).toBeVisible();
  await expect(page.getByRole('button', { name: 'Invite the new administrator' })).toHaveCount(0);

  for (const person of [school.administrator, petra]) {
    await expect
      .poll(async () => (await mailsTo(person.context.request, person.email)).map(({ subject }) => subject), {
        message: `${person.name} is told`,
      })
      .toContainEqual(expect.stringContaining('a new administrator was asked for'));
  }
  expect(await mailsTo(page.request, `nina@${school.domain}`), 'nobody is invited yet').toEqual([]);

  const stopping = await petra.open(`${school.home}/people`);
  await expect(stopping.getByText(/The operator is naming a new administrator: Nina New/)).toBeVisible();
  await seen(stopping, 'school-recovery');
  await stopping.getByRole('button', { name: 'Stop it' }).click();
  await stopping.getByRole('dialog').getByRole('button', { name: 'Stop it' }).click();
  await expect(stopping.getByText(/The operator is naming a new administrator/)).toHaveCount(0);
  await page.reload();
  await expect(page.getByText('Stopped').first()).toBeVisible();
});
