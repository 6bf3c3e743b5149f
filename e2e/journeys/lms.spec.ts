import type { Page } from '@playwright/test';
import { seen } from '../fixtures/look.ts';
import { baseUrl } from '../fixtures/product.ts';
import { canvas, canvasLogin, moodle } from '../fixtures/sandbox.ts';
import { approve, canvasWanted, moodleWanted, requestSent, schoolInForce } from '../fixtures/scenes.ts';
import { expect, test } from '../fixtures/test.ts';

const edge = (page: Page, system: string, state: RegExp) =>
  page.getByRole('link', { name: new RegExp(`receives .* from ${system}: .*${state.source}`, 'i') }).first();

/** What Canvas's administrator does on his side: signs in, reads what is asked. */
async function signInAtCanvas(page: Page, login: string): Promise<void> {
  await page.waitForURL(new RegExp(canvas.url));
  await page
    .getByLabel(/user|login|e-?mail/i)
    .first()
    .fill(login);
  await page.getByLabel(/password/i).fill(canvasLogin.password);
  await page.getByRole('button', { name: /log ?in|sign in/i }).click();
}

test('Canvas: a developer key copied from the guide, the consent over there, and back to a live edge', async ({
  cast,
  agency,
  operator,
}) => {
  test.setTimeout(150_000);
  const school = await schoolInForce(cast, operator, agency);
  const asked = await requestSent(school, canvasWanted(canvas.url));
  await approve(school, asked);
  const here = `${school.home}/systems/${asked.systemId}`;
  const page = await school.administrator.open(here);
  const callback = `${baseUrl}/oauth/canvas/callback`;
  const main = page.getByRole('main');
  await expect(main, 'the exact redirect address, to copy').toContainText(callback);
  await expect(main).toContainText('url:GET|/api/v1/');
  await seen(page, 'canvas-guide');
  const scopes = [...new Set(((await main.textContent()) ?? '').match(/url:GET\|\/api\/v1\/[a-z_/:]*/g) ?? [])];
  const key = await canvas.newKey({ name: 'Crosswalk', redirectUris: [callback], scopes, enforceScopes: true });

  await page.getByLabel('Developer key: client id').fill(key.id);
  await page.getByLabel('Developer key: secret').fill(key.secret);
  await page.getByRole('button', { name: 'Save the key' }).click();
  await expect(page.getByText('One step is left: the consent in Canvas')).toBeVisible();
  await seen(page, 'canvas-consent-missing');

  await test.step('refused over there: told so, nothing is connected', async () => {
    await page.getByRole('button', { name: 'Go to Canvas' }).click();
    await signInAtCanvas(page, canvasLogin.admin);
    await expect(page.getByRole('button', { name: /Authorize/i })).toBeVisible();
    await page.getByRole('button', { name: /Cancel/i }).click();
    await page.waitForURL(new RegExp(`${baseUrl}/school/`));
    await expect(page.getByText('The consent was refused over there, so nothing was connected.')).toBeVisible();
    await seen(page, 'canvas-consent-refused');
  });

  await test.step('given: who acts there is named, and courses arrive', async () => {
    await page.getByRole('button', { name: 'Go to Canvas' }).click();
    await expect(page.getByRole('button', { name: /Authorize/i })).toBeVisible();
    await page.getByRole('button', { name: /Authorize/i }).click();
    await page.waitForURL(new RegExp(`${baseUrl}/school/`));
    await expect(page.getByText('The consent was given and the credentials work.')).toBeVisible();
    await expect(page.getByText(/Crosswalk acts there as /)).toBeVisible();
    await seen(page, 'canvas-proved');
    await page.goto(school.home);
    await expect(edge(page, 'Canvas', /Live/)).toBeVisible({ timeout: 30_000 });
    await seen(page, 'school-home-canvas');
  });

  await test.step('an answer that was used, or was never asked for, connects nothing', async () => {
    await page.goto('/oauth/canvas/callback?code=forged&state=forged');
    await expect(page.getByText(/belongs to no consent that was started here/)).toBeVisible();
    await seen(page, 'canvas-consent-unknown');
  });
});

test('Moodle: a token that lacks a function is explained, the right one is proved', async ({
  cast,
  agency,
  operator,
}) => {
  const school = await schoolInForce(cast, operator, agency);
  const asked = await requestSent(school, moodleWanted(moodle.url));
  await approve(school, asked);
  const page = await school.administrator.open(`${school.home}/systems/${asked.systemId}`);
  const wanted = [...new Set(((await page.getByRole('main').textContent()) ?? '').match(/core_[a-z]+_[a-z_]+/g) ?? [])];
  expect(wanted).toContain('core_webservice_get_site_info');
  await seen(page, 'moodle-guide');
  const lacking = wanted.find((name) => name.startsWith('core_course')) ?? '';

  await page.getByLabel('Web service token').fill(await moodle.newToken(wanted.filter((name) => name !== lacking)));
  await page.getByRole('button', { name: 'Try these credentials' }).click();
  await expect(page.getByText(`The Moodle service lacks functions: ${lacking}.`).first()).toBeVisible();
  await seen(page, 'moodle-function-missing');

  await page.getByRole('button', { name: 'Enter other credentials' }).click();
  await page.getByLabel('Web service token').fill(await moodle.newToken(wanted));
  await page.getByRole('button', { name: 'Try these credentials' }).click();
  await expect(page.getByText('It works. Each kind of data was really read.')).toBeVisible();
  await page.goto(school.home);
  await expect(edge(page, 'Moodle', /Live/)).toBeVisible({ timeout: 30_000 });
});
