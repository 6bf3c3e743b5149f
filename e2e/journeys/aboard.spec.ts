import type { Page } from '@playwright/test';
import { seen } from '../fixtures/look.ts';
import type { Person } from '../fixtures/person.ts';
import { type Agency, inAYear, schoolFacts, schoolWithAgreementSent, today, trust } from '../fixtures/scenes.ts';
import { expect, test } from '../fixtures/test.ts';

/** The agent adds a school on its page, with two sites and its head as contact person. */
async function addSchool(page: Page, agency: Agency, facts: ReturnType<typeof schoolFacts>, head: Person) {
  await page.goto(`/agent/${agency.agentId}`);
  await page.getByRole('link', { name: 'Add a school' }).first().click();
  await page.getByLabel('Name of the school').fill(facts.name);
  await page.getByLabel('Country').selectOption({ label: 'Netherlands' });
  await expect(page.getByLabel('Time zone')).toHaveValue('Europe/Amsterdam');
  await expect(page.getByLabel('Register', { exact: true })).toHaveValue('BRIN');
  await page.getByLabel('Register number').fill(facts.registerNumber);
  await page.getByLabel('Sites').fill('Noord\nZuid');
  await page.getByRole('button', { name: 'Add a contact person' }).click();
  await page.getByLabel('Name', { exact: true }).fill(head.name);
  await page.getByLabel('E-mail address').fill(head.email);
}

test('an agent brings a school from nothing to an agreement in force', async ({ cast, agency, operator }) => {
  const facts = schoolFacts();
  const sanne = await cast.person('Sanne Signatory', `sanne@${facts.domain}`);
  const { agent, administrator } = agency;

  const page = await agent.open(`/agent/${agency.agentId}`);
  await addSchool(page, agency, facts, sanne);
  await seen(page, 'agent-add-school');
  await page.getByRole('button', { name: 'Add the school' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(facts.name);
  await expect(page.getByRole('main')).toContainText('Prospect');
  await seen(page, 'agent-school-prospect');
  const school = page.url();
  const schoolId = school.split('/').at(-1) ?? '';

  await page.getByRole('link', { name: 'Draw up an agreement' }).click();
  await expect(page.getByLabel('Signatory’s name')).toHaveValue(sanne.name);
  await page.getByLabel('First day').fill(today());
  await page.getByLabel('Last day').fill(inAYear());
  await page.getByLabel('Price note').fill('Included in the subscription of the school group');
  await seen(page, 'agent-draw-up-agreement');
  await page.getByRole('button', { name: 'Draw it up' }).click();
  await expect(page.getByRole('main')).toContainText('Included in the subscription of the school group');
  await seen(page, 'agent-agreement-draft');
  await page.getByRole('button', { name: 'Send to the school' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Send to the school' }).click();
  await expect(page.getByRole('main')).toContainText('The signatory of the school reads it');
  await page.goto(school);
  await expect(page.getByRole('main')).toContainText('Agreement out');

  // The signatory: his invitation, his password, the text, his name under it.
  const signing = await sanne.acceptInvitation();
  await expect(signing.getByRole('heading', { level: 1 })).toBeVisible();
  await signing.goto(`/school/${schoolId}/agreements`);
  await expect(signing.getByRole('main')).toContainText('An agreement waits for your signature');
  await seen(signing, 'school-agreements-to-sign');
  await signing
    .getByRole('link', { name: /Agreement with|Standard agreement/ })
    .first()
    .click();
  await expect(signing.getByRole('main')).toContainText('SHA-256 of the text');
  await signing.getByRole('button', { name: 'Sign', exact: true }).click();
  await expect(signing.getByText('Tick that you have read it and may sign.')).toBeVisible();
  await seen(signing, 'school-agreement-sign');
  await signing.getByLabel('Your full name').fill('Sanne J. Signatory');
  await signing.getByLabel(/I have read this agreement/).check();
  await signing.getByRole('button', { name: 'Sign', exact: true }).click();
  await expect(signing.getByRole('main')).toContainText('Signed for the school by Sanne J. Signatory');
  await seen(signing, 'school-agreement-signed');

  // Nothing is countersigned before the operator has confirmed who the school is.
  const countersigning = await administrator.open(`${new URL(school).pathname}`);
  await expect(countersigning.getByRole('main')).toContainText('Signed');
  await trust(operator, { schoolId });
  await countersigning.reload();
  await countersigning.getByRole('link', { name: 'Countersign' }).click();
  await countersigning.getByRole('button', { name: 'Countersign', exact: true }).click();
  await countersigning.getByRole('dialog').getByRole('button', { name: 'Countersign' }).click();
  await expect(countersigning.getByRole('main')).toContainText('In force');
  await seen(countersigning, 'agent-agreement-in-force');

  await signing.goto(`/school/${schoolId}`);
  await expect(signing.getByRole('main')).toContainText('Three steps to your first data');
  await seen(signing, 'school-home-empty');
});

test('a second school with the same register number is warned of before it is added', async ({ cast, agency }) => {
  const facts = schoolFacts();
  const head = await cast.person('Hans Head', `hans@${facts.domain}`);
  const page = await agency.agent.open(`/agent/${agency.agentId}`);
  await addSchool(page, agency, facts, head);
  await page.getByRole('button', { name: 'Add the school' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(facts.name);
  await addSchool(page, agency, facts, head);
  await expect(page.getByText(`You have this school already: ${facts.name}.`)).toBeVisible();
  await page.getByRole('button', { name: 'Add the school' }).click();
  await expect(page.getByRole('main').getByRole('alert').first()).toBeVisible();
  await seen(page, 'agent-add-school-double');
});

test('an agent’s own address is refused as the school’s signatory', async ({ cast, agency }) => {
  const facts = schoolFacts();
  const head = await cast.person('Hans Head', `hans@${facts.domain}`);
  const page = await agency.agent.open(`/agent/${agency.agentId}`);
  await addSchool(page, agency, facts, head);
  await page.getByRole('button', { name: 'Add the school' }).click();
  await page.getByRole('link', { name: 'Draw up an agreement' }).click();
  await page.getByLabel('Signatory’s e-mail address').fill(agency.agent.email);
  await page.getByRole('button', { name: 'Draw it up' }).click();
  await expect(
    page.getByText(/Nobody can belong to a school and to an agent|Give an e-mail address of the school/),
  ).toBeVisible();
  await seen(page, 'agent-signatory-refused');
});

test('a list of schools is imported after a look at what it would do', async ({ agency }) => {
  const [one, two] = [schoolFacts('Beukenhof'), schoolFacts('Elzenhof')];
  const list = [
    'name,register,register_number,country,time_zone,sites,contact_name,contact_email,shoe_size',
    `${one.name},BRIN,${one.registerNumber},NL,Europe/Amsterdam,Oost|West,Hans Head,hans@${one.domain},43`,
    `${two.name},BRIN,${two.registerNumber},NL,Europe/Amsterdam,,,,`,
    'Nowhere,BRIN,1,XX,Europe/Amsterdam,,,,',
  ].join('\r\n');
  const page = await agency.agent.open(`/agent/${agency.agentId}`);
  await page.getByRole('link', { name: 'Import a list' }).first().click();
  await seen(page, 'agent-import');
  await page
    .getByLabel('CSV file')
    .setInputFiles({ name: 'schools.csv', mimeType: 'text/csv', buffer: Buffer.from([0xff, 0xfe, 0x41, 0x00]) });
  await expect(page.getByText('The file is in UTF-16.')).toBeVisible();
  await page
    .getByLabel('CSV file')
    .setInputFiles({ name: 'schools.csv', mimeType: 'text/csv', buffer: Buffer.from(list) });
  await expect(page.getByText(/2 schools would be added/)).toBeVisible();
  await expect(page.getByText('Write the two letters of ISO 3166, as NL or GB.')).toBeVisible();
  await expect(page.getByText(/Columns that are left out: shoe_size/)).toBeVisible();
  await seen(page, 'agent-import-preview');
  await page.getByRole('button', { name: 'Add 2 schools' }).click();
  await expect(page.getByRole('link', { name: one.name })).toBeVisible();
  await expect(page.getByRole('link', { name: two.name })).toBeVisible();
  await seen(page, 'agent-pipeline');
});

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);

test('an agreement signed on paper counts once the school has confirmed the scan', async ({
  cast,
  agency,
  operator,
}) => {
  const school = await schoolWithAgreementSent(cast, agency);
  const { administrator: sanne, schoolId, agreementId } = school;
  await sanne.acceptInvitationQuietly();
  await trust(operator, school);
  const page = await agency.agent.open(`/agent/${agency.agentId}/schools/${schoolId}/agreements/${agreementId}`);
  await page.getByRole('button', { name: 'Signed on paper…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog
    .getByLabel('Scan')
    .setInputFiles({ name: 'scan.png', mimeType: 'image/png', buffer: Buffer.from('no picture') });
  await dialog.getByRole('button', { name: 'Enter the signature' }).click();
  await expect(dialog.getByRole('alert')).toContainText('Give a PDF, PNG or JPEG');
  await dialog.getByLabel('Scan').setInputFiles({ name: 'scan.png', mimeType: 'image/png', buffer: png });
  await seen(page, 'agent-paper-signature');
  await dialog.getByRole('button', { name: 'Enter the signature' }).click();
  await expect(page.getByRole('main')).toContainText('A signature on paper waits for the school’s confirmation.');

  const confirming = await sanne.open(`/school/${schoolId}/agreements/${agreementId}`);
  await expect(confirming.getByRole('heading', { name: 'Is this your school’s signature?' })).toBeVisible();
  const scan = await confirming.request.get(
    (await confirming.getByRole('link', { name: 'Look at the scan' }).getAttribute('href')) ?? '',
  );
  expect(scan.headers()['content-type']).toBe('image/png');
  await seen(confirming, 'school-paper-signature');
  await confirming.getByRole('button', { name: 'Yes, we signed this' }).click();
  await expect(confirming.getByRole('main')).toContainText('Signed on paper by');
});

test('a signatory declines with a reason that the agent reads', async ({ cast, agency }) => {
  const school = await schoolWithAgreementSent(cast, agency);
  const { administrator: sanne, schoolId, agreementId } = school;
  await sanne.acceptInvitationQuietly();
  const page = await sanne.open(`/school/${schoolId}/agreements/${agreementId}`);
  await page.getByRole('button', { name: 'Decline…' }).click();
  await page.getByRole('dialog').getByLabel('Reason').fill('We only sign for one school year.');
  await page.getByRole('dialog').getByRole('button', { name: 'Decline' }).click();
  await expect(page.getByRole('main')).toContainText('Declined');
  await seen(page, 'school-agreement-declined');
  const reading = await agency.agent.open(`/agent/${agency.agentId}/schools/${schoolId}/agreements/${agreementId}`);
  await expect(reading.getByRole('main')).toContainText('We only sign for one school year.');
});
