import { seen } from '../fixtures/look.ts';
import { mailedLink } from '../fixtures/mail.ts';
import { schoolFacts, trust } from '../fixtures/scenes.ts';
import { expect, test } from '../fixtures/test.ts';

test('a school arrives by itself: confirms its address, takes the standard agreement, signs', async ({
  cast,
  operator,
}) => {
  const facts = schoolFacts('Berkenhof');
  const sanne = await cast.person('Sanne Schoolhead', `sanne@${facts.domain}`);
  const page = await sanne.open('/');
  await seen(page, 'front-door');
  await page.getByRole('link', { name: 'Register your school' }).click();
  await page.getByLabel('Name of the school').fill(facts.name);
  await page.getByLabel('Country').selectOption({ label: 'Netherlands' });
  await page.getByLabel('Register number').fill(facts.registerNumber);
  await page.getByLabel('Your name').fill(sanne.name);
  await page.getByLabel('Your e-mail address at the school').fill(sanne.email);
  await seen(page, 'register');
  await page.getByRole('button', { name: 'Send me the confirmation' }).click();
  await expect(page.getByRole('heading', { name: 'Look into your mailbox' })).toBeVisible();
  await seen(page, 'register-sent');

  const link = await mailedLink(page.request, sanne.email, 'register');
  await page.goto(link);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(`Register ${facts.name}?`);
  await seen(page, 'register-confirm');
  await page.getByRole('button', { name: 'Confirm and go on' }).click();
  await expect(page.getByLabel('New password')).toBeVisible();
  await sanne.fillInvitation(page);
  await page.waitForURL(/\/school\//);
  const schoolId = /\/school\/([^/]+)/.exec(page.url())?.[1] ?? '';
  await expect(page.getByRole('main')).toContainText('Your school is not confirmed yet');
  await seen(page, 'school-home-unconfirmed');

  await page.goto(`/school/${schoolId}/agreements`);
  await page.getByRole('button', { name: 'Take the standard agreement' }).click();
  await expect(page.getByLabel('Your full name')).toBeVisible();
  await page.getByLabel('Your full name').fill(sanne.name);
  await page.getByLabel(/I have read this agreement/).check();
  await page.getByRole('button', { name: 'Sign', exact: true }).click();
  await expect(page.getByRole('main')).toContainText(`Signed for the school by ${sanne.name}`);

  await trust(operator, { schoolId });
  const waiting = await operator.open('/operator/agreements');
  await expect(waiting.getByRole('main')).toContainText(facts.name);
  await seen(waiting, 'operator-agreements');
  await waiting.getByRole('row').filter({ hasText: facts.name }).getByRole('link').first().click();
  await waiting.getByRole('button', { name: 'Countersign', exact: true }).click();
  await waiting.getByRole('dialog').getByRole('button', { name: 'Countersign' }).click();
  await expect(waiting.getByRole('main')).toContainText('In force');
  await page.goto(`/school/${schoolId}/agreements`);
  await expect(page.getByRole('main')).toContainText('One agreement is in force');
  await seen(page, 'school-agreements-in-force');

  const again = await sanne.open(link);
  await expect(again.getByRole('heading', { level: 1 })).toHaveText('This link no longer works');
});
