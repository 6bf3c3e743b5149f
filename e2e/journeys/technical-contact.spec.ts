import { seen } from '../fixtures/look.ts';
import { openFromMail } from '../fixtures/mail.ts';
import { refusal } from '../fixtures/person.ts';
import { canvas, canvasLogin } from '../fixtures/sandbox.ts';
import { approve, canvasWanted, requestSent, runEnded, schoolInForce, sisWanted } from '../fixtures/scenes.ts';
import { expect, test } from '../fixtures/test.ts';

test('whoever runs the SIS is sent a link: he confirms nothing else, enters credentials, and the link is spent', async ({
  cast,
  agency,
  operator,
  sis,
}) => {
  const school = await schoolInForce(cast, operator, agency);
  const asked = await requestSent(school, sisWanted(sis));
  await approve(school, asked);
  const rik = await cast.person('Rik Runsit', `rik@${school.domain}`);

  const sending = await school.administrator.open(`${school.home}/systems/${asked.systemId}`);
  await sending.getByRole('button', { name: 'Send to whoever runs it…' }).click();
  await sending.getByRole('dialog').getByRole('button', { name: 'Send the link' }).click();
  await expect(sending.getByText('Say who that is.')).toBeVisible();
  await sending.getByLabel('Name', { exact: true }).fill(rik.name);
  await sending.getByLabel('E-mail address').fill(rik.email);
  await seen(sending, 'system-send-link');
  await sending.getByRole('dialog').getByRole('button', { name: 'Send the link' }).click();
  await expect(sending.getByText('Links sent')).toBeVisible();

  const page = await rik.lookAt(
    await openFromMail(await rik.open('/'), rik.email, /asks you to connect Registra/, 'Open the set-up page'),
  );
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(`Connect Registra of ${school.name}`);
  await expect(page.getByText('For Rik Runsit')).toBeVisible();
  await expect(page.getByRole('main')).toContainText(sis.baseUrl);
  await expect(page.getByRole('navigation')).toHaveCount(0);
  await seen(page, 'connect');

  const wrong = await sis.newClient('Crosswalk', []);
  await page.getByLabel('Client id').fill(wrong.clientId);
  await page.getByLabel('Client secret').fill(wrong.clientSecret);
  await page.getByRole('button', { name: 'Try these credentials' }).click();
  await expect(page.getByText('It does not work yet.').first()).toBeVisible({ timeout: 20_000 });
  await seen(page, 'connect-refused');

  const client = await sis.newClient();
  await page.getByRole('button', { name: 'Enter other credentials' }).click();
  await page.getByLabel('Client id').fill(client.clientId);
  await page.getByLabel('Client secret').fill(client.clientSecret);
  await page.getByRole('button', { name: 'Try these credentials' }).click();
  await expect(page.getByRole('heading', { name: 'It works. Thank you.' })).toBeVisible({ timeout: 20_000 });
  await seen(page, 'connect-done');
  await runEnded(school, asked.systemId);

  await page.reload();
  await expect(page.getByRole('heading', { name: 'This link opens nothing any more' })).toBeVisible();
  await seen(page, 'connect-used');
  expect(await refusal(rik.api.connections.schoolGraph.query({ schoolId: school.schoolId }))).toBe('not-signed-in');
});

test('whoever runs Canvas gives the consent from his link, without an account', async ({ cast, agency, operator }) => {
  const school = await schoolInForce(cast, operator, agency);
  const asked = await requestSent(school, canvasWanted(canvas.url));
  await approve(school, asked);
  const rik = await cast.person('Rik Runsit', `rik@${school.domain}`);
  await school.administrator.api.connections.sendToTechnicalContact.mutate({
    schoolId: school.schoolId,
    systemId: asked.systemId,
    name: rik.name,
    email: rik.email,
  });
  const page = await rik.lookAt(
    await openFromMail(await rik.open('/'), rik.email, /asks you to connect Canvas/, 'Open the set-up page'),
  );
  const guide = page.getByRole('main');
  await expect(guide).toContainText('url:GET|/api/v1/');
  const text = (await guide.textContent()) ?? '';
  const [callback = ''] = /https?:\/\/localhost:\d+\/[a-z/]*callback/.exec(text) ?? [];
  const scopes = [...new Set(text.match(/url:GET\|\/api\/v1\/[a-z_/:]*/g) ?? [])];
  const key = await canvas.newKey({ name: 'Crosswalk', redirectUris: [callback], scopes, enforceScopes: true });
  await page.getByLabel('Developer key: client id').fill(key.id);
  await page.getByLabel('Developer key: secret').fill(key.secret);
  await page.getByRole('button', { name: 'Save the key' }).click();
  await page.getByRole('button', { name: 'Go to Canvas' }).click();
  await page.waitForURL(new RegExp(canvas.url));
  await page.getByLabel('Login').fill(canvasLogin.admin);
  await page.getByLabel('Password').fill(canvasLogin.password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('button', { name: 'Authorize' }).click();
  await expect(page.getByRole('heading', { name: 'It works. Thank you.' })).toBeVisible({ timeout: 20_000 });
  await seen(page, 'connect-consent-done');
  await runEnded(school, asked.systemId);
});
