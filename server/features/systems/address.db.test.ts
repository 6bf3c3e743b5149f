import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { type RunningSis, startSis } from '#sandbox/sis/server.ts';
import { sendToTechnicalContact } from '#server/features/connections/send-to-technical-contact.ts';
import { edge, goLive, makeScene, sisEntry } from '#server/features/connections/testing/school-with-sis.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import { contextFor, contextOf, giveRole, makeOperator, makePerson, testNow } from '#server/testing/actors.ts';
import { addSystem } from './add-system.ts';
import { confirmAddress, enterAddress } from './enter-address.ts';
import { systemPage } from './system-page.ts';

describe('where a system stands', () => {
  let database: TestDatabase;
  let sis: RunningSis;
  const clock = fixedClock(testNow);
  beforeAll(async () => {
    database = await createTestDatabase();
    sis = await startSis({ schools: ['lindenhof'] });
  });
  afterAll(async () => {
    await sis.close();
    await database.drop();
  });

  const addedByAgent = async (settings?: Record<string, string>) => {
    const scene = await makeScene(database, clock);
    const { schoolId } = scene;
    const { agentId } = scene.agent;
    const { systemId } = await addSystem({
      ctx: await scene.as('agent'),
      input: { schoolId, agentId, kind: 'sis', product: 'oneroster-1.1', name: 'Registra', settings },
    });
    return { scene, schoolId, systemId };
  };
  const page = async (of: Awaited<ReturnType<typeof addedByAgent>>) =>
    systemPage({
      ctx: await of.scene.as('technical-contact'),
      input: { schoolId: of.schoolId, systemId: of.systemId },
    });

  it('is confirmed by the school, not by the agent or operator who typed it', async () => {
    const added = await addedByAgent(sisEntry(sis).settings);
    const { scene, schoolId, systemId } = added;
    const { origins, hostConfirmedAt } = await page(added);
    expect([origins, hostConfirmedAt]).toEqual([[`http://127.0.0.1:${sis.port}`], null]);
    const { operator } = await makeOperator(database);
    for (const ctx of [await scene.as('agent-administrator'), await contextFor(database, operator, { clock })]) {
      const mine = { schoolId, systemId, agentId: scene.agent.agentId };
      await expect(confirmAddress.fromWire({ ctx, raw: { ...mine, origins } })).rejects.toMatchObject({
        code: 'forbidden',
      });
      await expect(
        enterAddress.fromWire({ ctx, raw: { ...mine, settings: sisEntry(sis).settings } }),
      ).rejects.toMatchObject({ code: 'forbidden' });
    }
    await confirmAddress({ ctx: await scene.as('technical-contact'), input: { schoolId, systemId, origins } });
    expect(await page(added)).toMatchObject({ hostConfirmedBy: 'Tom Technical', product: { id: 'oneroster-1.1' } });
  });

  it('keeps the product that was chosen when the school enters the address', async () => {
    const added = await addedByAgent();
    const { scene, schoolId, systemId } = added;
    const provider = sis.school('lindenhof');
    const entered = await enterAddress({
      ctx: await scene.as('technical-contact'),
      input: { schoolId, systemId, settings: { baseUrl: provider.baseV1p1, tokenUrl: provider.tokenUrl } },
    });
    expect(entered).toMatchObject({ change: 'entered', trial: null });
    expect(await page(added)).toMatchObject({ settings: { version: '1.1' }, product: { id: 'oneroster-1.1' } });
  });

  it('is tried again at once where a path has changed, and a live connection is not brought down by it', async () => {
    const scene = await makeScene(database, clock);
    const { systemId, connectionId } = await goLive(scene, sis);
    const { schoolId } = scene;
    const ctx = await scene.as('technical-contact');
    const { settings } = sisEntry(sis);
    const wrong = { ...settings, baseUrl: `${settings.baseUrl}/nowhere` };
    const tried = await enterAddress({ ctx, input: { schoolId, systemId, settings: wrong } });
    expect(tried).toMatchObject({ change: 'path', trial: { outcome: 'refused' } });
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'live' });
    const mended = await enterAddress({ ctx, input: { schoolId, systemId, settings } });
    expect(mended).toMatchObject({ change: 'path', trial: { outcome: 'proved' } });
    expect(await enterAddress({ ctx, input: { schoolId, systemId, settings } })).toMatchObject({ change: 'confirmed' });
  });

  it('can be entered by the holder of a link while nobody of the school has confirmed one', async () => {
    const { scene, schoolId, systemId } = await addedByAgent();
    const { linkId } = await sendToTechnicalContact({
      ctx: await scene.as('school-administrator'),
      input: { schoolId, systemId, name: 'Ida', email: 'ida@sis-host.example' },
    });
    const purpose = 'technical-contact';
    const ctx = await contextOf(
      database,
      { kind: 'link', linkId, purpose, schoolId, systemId, name: 'Ida' },
      { clock },
    );
    const input = { schoolId, systemId, settings: sisEntry(sis).settings };
    expect(await enterAddress({ ctx, input })).toMatchObject({ change: 'entered' });
    await expect(enterAddress({ ctx, input })).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('is nobody’s who is technical contact of another system', async () => {
    const { scene, schoolId, systemId } = await addedByAgent();
    const { systemId: other } = await addSystem({
      ctx: await scene.as('school-administrator'),
      input: { schoolId, kind: 'lms', product: 'moodle', name: 'Moodle' },
    });
    const person = await makePerson(database);
    await giveRole(database, person, 'technical-contact', schoolId, { systemId: other });
    const ctx = await contextFor(database, person, { clock });
    await expect(
      enterAddress({ ctx, input: { schoolId, systemId, settings: sisEntry(sis).settings } }),
    ).rejects.toMatchObject({ code: 'forbidden' });
  });
});
