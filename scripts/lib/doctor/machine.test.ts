import { describe, expect, it } from 'vitest';
import { lookAtClock } from './database.ts';
import { lookAtEnvironment } from './environment.ts';
import { look } from './finding.ts';
import { lookAtDisk, lookAtNode } from './machine.ts';

const states = (findings: readonly { check: string; state: string }[]) =>
  findings.map(({ check, state }) => `${check} ${state}`);

describe('the doctor on this machine', () => {
  it.each([
    ['24.1.0', '11.0.0', ['node ok', 'npm ok']],
    ['20.20.2', '11.0.0', ['node wrong', 'npm ok']],
    ['24.1.0', '9.8.1', ['node ok', 'npm wrong']],
    ['24.1.0', null, ['node ok', 'npm warning']],
  ])('looks at Node %s and npm %s', (node, npm, expected) => {
    expect(states(lookAtNode(node, npm))).toEqual(expected);
  });

  it.each([
    [100, 'wrong'],
    [1_000, 'warning'],
    [50_000, 'ok'],
  ])('says of %d MiB of room that it is %s', (mebibytes, state) => {
    const [finding] = lookAtDisk(['/srv'], () => mebibytes * 1024 * 1024);
    expect(finding).toMatchObject({ check: 'disk', state });
    expect(finding?.sentence).toContain(`${mebibytes} MiB`);
  });

  it.each([
    [0.3, 'ok'],
    [-3, 'warning'],
    [90, 'wrong'],
    [-90, 'wrong'],
  ])('says of a clock that is %d s away that it is %s', (ahead, state) => {
    const finding = lookAtClock(ahead);
    expect(finding.state).toBe(state);
    expect(finding.sentence).toContain(ahead < 0 ? 'behind' : 'ahead of');
  });

  it('names every mistake of the configuration', () => {
    const { env, findings } = lookAtEnvironment({ CROSSWALK_URL: 'https://crosswalk.example.org', PORT: 'x' });
    expect(env).toBeNull();
    expect(states(findings)).toEqual(Array.from({ length: 4 }, () => 'environment wrong'));
  });

  it('names a variable that only looks like ours', () => {
    const { env, findings } = lookAtEnvironment({ CROSSWALK_MASTERKEY: 'x', PATH: '/bin' });
    expect(env?.mode).toBe('demo');
    expect(findings.at(-1)).toMatchObject({ state: 'warning' });
    expect(findings.at(-1)?.sentence).toMatch(/^CROSSWALK_MASTERKEY is set, but/);
  });

  it('makes a finding of a look that breaks, without its message', async () => {
    const [finding] = await look('disk', () => {
      throw Object.assign(new Error('secret text'), { code: 'EIO' });
    });
    expect(finding).toMatchObject({ check: 'disk', state: 'wrong' });
    expect(finding?.sentence).toContain('EIO');
    expect(finding?.sentence).not.toContain('secret');
  });
});
