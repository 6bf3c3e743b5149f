import { seen } from '../fixtures/look.ts';
import { openFromMail } from '../fixtures/mail.ts';
import { changedPackage, noPackage, semicolonPackage, wholePackage } from '../fixtures/packages.ts';
import { refusal } from '../fixtures/person.ts';
import { approve, joinSchool, requestSent, runEnded, schoolInForce } from '../fixtures/scenes.ts';
import { expect, test } from '../fixtures/test.ts';

const csvWanted = {
  kind: 'sis',
  product: 'oneroster-csv-1.2',
  name: 'Registra',
  settings: { way: 'upload' },
} as const;

test('a school hands packages in: the whole, then changes, then broken ones, and hears each time what came of it', async ({
  cast,
  agency,
  operator,
}) => {
  const school = await schoolInForce(cast, operator, agency);
  const asked = await requestSent(school, csvWanted);
  await approve(school, asked);
  const page = await school.administrator.open(`${school.home}/systems/${asked.systemId}`);
  await expect(page.getByRole('heading', { name: 'First package' })).toBeVisible();
  await seen(page, 'system-of-packages');
  await page.getByRole('link', { name: 'Packages', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Packages of Registra');
  await expect(page.getByText('No package yet')).toBeVisible();
  await seen(page, 'packages-none');

  const file = page.getByLabel('Zip file');
  const submit = page.getByRole('button', { name: 'Hand it in' });
  await file.setInputFiles(wholePackage());
  await submit.click();
  await expect(page.getByText('whole.zip was taken in: OneRoster CSV 1.2, 4 files.')).toBeVisible({ timeout: 20_000 });
  await runEnded(school, asked.systemId);
  await expect(page.getByText(/^[1-9]\d* new, 0 changed, 0 gone$/)).toBeVisible({ timeout: 20_000 });
  await seen(page, 'packages-first');
  const { edges } = await school.administrator.api.connections.schoolGraph.query({ schoolId: school.schoolId });
  expect(edges).toMatchObject([{ state: 'live', cause: 'in-sync' }]);

  await file.setInputFiles(changedPackage());
  await submit.click();
  await expect(page.getByText('changes.zip was taken in: OneRoster CSV 1.2, 1 file.')).toBeVisible({ timeout: 20_000 });
  await expect(page.getByText(/^1 new, 1 changed, 0 gone$/)).toBeVisible({ timeout: 30_000 });

  await file.setInputFiles(semicolonPackage());
  await submit.click();
  await expect(page.getByRole('alert').filter({ hasText: 'classes.csv' })).toContainText(
    'classes.csv, line 1: the columns are parted by a semicolon, not by a comma. Export it with commas.',
  );
  await file.setInputFiles(noPackage());
  await submit.click();
  await expect(page.getByRole('alert').filter({ hasText: 'zip' })).toContainText('This file is not a zip.');
  await expect(page.getByText('semicolons.zip')).toHaveCount(0);
  await seen(page, 'packages-refused');

  await page.getByRole('link', { name: 'See the run' }).first().click();
  await expect(page.getByText('changes.zip')).toBeVisible();

  const signatory = await joinSchool(cast, school, 'Tess Tekent', ['signatory']);
  const theirs = await signatory.open(`${school.home}/systems/${asked.systemId}/packages`);
  await expect(theirs.getByText('Whoever administers the school or runs this system hands packages in.')).toBeVisible();
  await expect(theirs.getByLabel('Zip file')).toHaveCount(0);
});

test('no other site and nobody without a role hands a package in', async ({ cast, agency, operator }) => {
  const school = await schoolInForce(cast, operator, agency);
  const { systemId } = await requestSent(school, csvWanted);
  const address = `/api/schools/${school.schoolId}/systems/${systemId}/packages`;
  const send = (origin: string, type: string, from = school.administrator) =>
    from.context.request.post(address, {
      headers: { origin, 'content-type': type, 'x-file-name': 'whole.zip' },
      data: wholePackage().buffer,
    });
  const page = await school.administrator.open(school.home);
  const own = new URL(page.url()).origin;
  expect((await send('https://elsewhere.example', 'application/zip')).status()).toBe(403);
  expect((await send(own, 'text/plain')).status()).toBe(403);
  expect((await send(own, 'application/zip', agency.agent)).status()).toBe(403);
  expect(await refusal(agency.agent.api.packages.page.query({ schoolId: school.schoolId, systemId }))).toBe(
    'forbidden',
  );
  const taken = await send(own, 'application/zip');
  expect([taken.status(), await taken.json()]).toMatchObject([200, { version: '1.2', syncRunId: null }]);
});

test('whoever runs the SIS hands the first package in from his link', async ({ cast, agency, operator }) => {
  const school = await schoolInForce(cast, operator, agency);
  const asked = await requestSent(school, csvWanted);
  await approve(school, asked);
  const rik = await cast.person('Rik Runsit', `rik@${school.domain}`);
  await school.administrator.api.connections.sendToTechnicalContact.mutate({
    schoolId: school.schoolId,
    systemId: asked.systemId,
    name: rik.name,
    email: rik.email,
  });
  const page = await rik.lookAt(
    await openFromMail(await rik.open('/'), rik.email, /asks you to connect Registra/, 'Open the set-up page'),
  );
  await expect(page.getByRole('heading', { name: 'First package' })).toBeVisible();
  await seen(page, 'connect-package');
  await page.getByLabel('Zip file').setInputFiles(wholePackage());
  await page.getByRole('button', { name: 'Hand it in' }).click();
  await expect(page.getByRole('heading', { name: 'It works. Thank you.' })).toBeVisible({ timeout: 20_000 });
  await runEnded(school, asked.systemId);
});
