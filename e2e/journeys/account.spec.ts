import type { Page } from '@playwright/test';
import { Authenticator } from '../fixtures/authenticator.ts';
import { seen } from '../fixtures/look.ts';
import { mailedLink, openFromMail } from '../fixtures/mail.ts';
import { Person, testPassword } from '../fixtures/person.ts';
import { bringAgency, inviteColleague, schoolWithAgreementSent } from '../fixtures/scenes.ts';
import { expect, test } from '../fixtures/test.ts';

test('an invitation is opened from its mail, makes an account, and works once', async ({ cast, agency, browser }) => {
  const school = await schoolWithAgreementSent(cast, agency);
  const { administrator: sanne } = school;
  const mailbox = await sanne.open('/dev/mail');
  const page = await sanne.lookAt(await openFromMail(mailbox, sanne.email, /invites you/, 'Open the invitation'));
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(`Join ${school.name}`);
  await expect(page.getByLabel('E-mail address')).toHaveValue(sanne.email);
  await seen(page, 'invitation');

  await page.getByLabel('Your name').fill(sanne.name);
  await page.getByLabel('New password').fill('sanne signatory');
  await page.getByRole('button', { name: 'Make my account and join' }).click();
  await expect(page.getByText('This contains your name or address and little more.')).toBeVisible();
  await expect(page.getByLabel('Your name')).toHaveValue(sanne.name);
  await seen(page, 'invitation-password-refused');

  await sanne.fillInvitation(page);
  await page.waitForURL(new RegExp(`/school/${school.schoolId}`));

  const stranger = await Person.with(browser, { name: 'Somebody', email: 'somebody@elsewhere.example' });
  const again = await stranger.open(await mailedLink(sanne.context.request, sanne.email, 'invitation'));
  await expect(again.getByRole('heading', { level: 1 })).toHaveText('This invitation does not work any more');
  await expect(again.getByText('It was taken already.')).toBeVisible();
  await seen(again, 'invitation-used');
  await stranger.close();
});

test('a wrong password and an unknown address get the same answer, and too many tries a wait', async ({
  cast,
  agency,
}) => {
  const karel = await inviteColleague(cast, agency);
  await karel.acceptInvitationQuietly();
  await karel.context.clearCookies();
  const nobody = await cast.person('Nobody', `nobody-${karel.email}`);
  const answers: string[] = [];
  for (const person of [karel, nobody]) {
    const page = await person.open('/sign-in');
    for (let count = 0; count < 6; count += 1) {
      const answered = page.waitForResponse((response) => response.request().method() === 'POST');
      await person.fillSignIn(page, `wrong password ${count}`);
      await answered;
      const alert = page.getByRole('main').getByRole('alert');
      await expect(alert).toBeVisible();
      await expect(page.getByRole('button', { name: 'Sign in' })).toBeEnabled();
      if (count === 0) await expect(alert).toHaveText('That e-mail address and password do not belong together.');
      if (count === 0 && person === karel) await seen(page, 'sign-in-refused');
      answers.push(((await alert.textContent()) ?? '').replace(/\d+ seconds|a second/, 'N seconds'));
      if (answers.at(-1)?.startsWith('Too many') === true) break;
    }
    await expect(page.getByText('Too many tries for this address.')).toBeVisible();
    await expect(page.getByLabel('Code of your second factor')).toBeVisible();
    await expect(page.getByLabel('E-mail address')).toHaveValue(person.email);
  }
  const half = answers.length / 2;
  expect(answers.slice(0, half)).toEqual(answers.slice(half));
  await seen(nobody.page, 'sign-in-too-many-tries');
});

/** Sets a second factor up on the page that stands open; returns the phone and the recovery codes. */
async function setUpSecondFactor(page: Page): Promise<{ phone: Authenticator; codes: string[] }> {
  await page.getByRole('button', { name: 'Show the code to scan' }).click();
  await expect(page.getByRole('img', { name: /QR code/ })).toBeVisible();
  const phone = new Authenticator(
    ((await page.getByText(/^([A-Z2-7]{4} ?){8}$/).textContent()) ?? '').replaceAll(' ', ''),
  );
  await seen(page, 'second-factor-scan');
  await page.getByLabel('Code of your authenticator app').fill('000000');
  await page.getByRole('button', { name: 'Turn it on' }).click();
  await expect(page.getByText('This code is not right')).toBeVisible();
  await page.getByLabel('Code of your authenticator app').fill(phone.code());
  await page.getByRole('button', { name: 'Turn it on' }).click();
  await expect(page.getByRole('heading', { name: 'Keep your recovery codes' })).toBeVisible();
  const codes = await page
    .getByRole('region', { name: 'Keep your recovery codes' })
    .getByRole('listitem')
    .allTextContents();
  expect(codes).toHaveLength(10);
  await seen(page, 'recovery-codes');
  await expect(page.getByRole('button', { name: 'Go on' })).toBeDisabled();
  await page.getByLabel('I have kept these codes somewhere safe.').check();
  await page.getByRole('button', { name: 'Go on' }).click();
  return { phone, codes };
}

async function signOut(page: Page): Promise<void> {
  await page.goto('/sign-out');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForURL(/\/sign-in/);
}

test('a second factor is set up, asked for at sign-in, and replaced by a recovery code once', async ({
  cast,
  agency,
}) => {
  const karel = await inviteColleague(cast, agency);
  await karel.acceptInvitationQuietly();
  const page = await karel.open('/account');
  await seen(page, 'account');
  await page.getByRole('button', { name: 'Set up a second factor' }).click();
  const { phone, codes } = await setUpSecondFactor(page);
  await expect(page.getByText('Signing in takes your password and a code of your authenticator app.')).toBeVisible();
  await seen(page, 'account-with-second-factor');

  await signOut(page);
  await karel.fillSignIn(page);
  await expect(page.getByRole('heading', { name: 'Your second factor' })).toBeVisible();
  await seen(page, 'second-factor');
  await page.goto('/account');
  await expect(page.getByRole('heading', { name: 'Your second factor' }), 'half a session opens nothing').toBeVisible();
  await page.getByLabel('Code of your authenticator app').fill(phone.code());
  await page.getByRole('button', { name: 'Go on' }).click();
  await expect(page.getByRole('heading', { name: 'Your account' })).toBeVisible();

  const [code = ''] = codes;
  await signOut(page);
  await karel.fillSignIn(page);
  await page.getByRole('button', { name: 'Use a recovery code' }).click();
  await page.getByLabel('Recovery code').fill(code);
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.waitForURL(new RegExp(agency.agentId));
  await signOut(page);
  await karel.fillSignIn(page);
  await page.getByRole('button', { name: 'Use a recovery code' }).click();
  await page.getByLabel('Recovery code').fill(code);
  await page.getByRole('button', { name: 'Go on' }).click();
  await expect(page.getByText('This code is not right, or was used already.')).toBeVisible();
});

test('sessions are listed where they are, and ending one signs that browser out', async ({ cast, agency }) => {
  const karel = await inviteColleague(cast, agency);
  await karel.acceptInvitationQuietly();
  const elsewhere = await cast.person(karel.name, karel.email);
  await elsewhere.signInQuietly();
  await elsewhere.open('/account');

  const page = await karel.open('/account');
  const sessions = page.getByRole('listitem').filter({ hasText: 'Last used' });
  await expect(sessions).toHaveCount(2);
  await expect(sessions.filter({ hasText: 'This one' })).toHaveCount(1);
  await page.getByRole('button', { name: /^Sign out .* on / }).click();
  await expect(sessions).toHaveCount(1);
  await elsewhere.page.reload();
  await expect(elsewhere.page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
});

test('a forgotten password is replaced by mail, and every session of before ends', async ({ cast, agency }) => {
  const karel = await inviteColleague(cast, agency);
  await karel.acceptInvitationQuietly();
  const page = await (await cast.person(karel.name, karel.email)).open('/sign-in');
  await page.getByRole('link', { name: 'Forgotten your password?' }).click();
  await expect(page.getByRole('heading', { name: 'Forgotten password' })).toBeVisible();
  await page.getByLabel('E-mail address').fill(karel.email);
  await seen(page, 'forgotten-password');
  await page.getByRole('button', { name: 'Send the link' }).click();
  await expect(page.getByText(`If there is an account for ${karel.email}, a link is on its way.`)).toBeVisible();
  await seen(page, 'forgotten-password-sent');

  const link = await mailedLink(page.request, karel.email, 'reset-password');
  await page.goto(link);
  await page.getByLabel('New password').fill('short');
  await seen(page, 'new-password');
  await page.getByLabel('New password').fill('eleven red kites drift');
  await page.getByRole('button', { name: 'Set the new password' }).click();
  await expect(page.getByText('Your new password is set. Sign in with it.')).toBeVisible();
  await page.getByLabel('E-mail address').fill(karel.email);
  await page.getByLabel('Password', { exact: true }).fill(testPassword);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByText('That e-mail address and password do not belong together.')).toBeVisible();
  await karel.fillSignIn(page, 'eleven red kites drift');
  await page.waitForURL(new RegExp(agency.agentId));

  const before = await karel.open('/account');
  await expect(before.getByRole('heading', { name: 'Sign in' }), 'the session of before').toBeVisible();
  await page.goto(link);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('This link does not work any more');
  await seen(page, 'new-password-link-used');
});

test('where an organisation requires a second factor, its members set one up before anything else', async ({
  cast,
  operator,
}) => {
  const agency = await bringAgency(cast, operator);
  await agency.administrator.open('/account');
  await agency.administrator.page.getByRole('button', { name: 'Set up a second factor' }).click();
  await setUpSecondFactor(agency.administrator.page);
  await agency.administrator.api.people.requireAgentSecondFactor.mutate({ agentId: agency.agentId, required: true });
  const page = await agency.agent.open('/sign-in');
  await agency.agent.context.clearCookies();
  await page.goto('/sign-in');
  await agency.agent.fillSignIn(page);
  await expect(page.getByText('An organisation that you belong to requires a second factor.')).toBeVisible();
  await seen(page, 'second-factor-required');
  await setUpSecondFactor(page);
  await page.waitForURL(new RegExp(agency.agentId));
});
