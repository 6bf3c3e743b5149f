import { createSecretKey, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { followKeyring, reloadSeconds, reseal } from './data-keys.ts';
import { newId } from './ids.ts';
import { openText, seal } from './sealed.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('a followed keyring reloads until it is let go, and says when that fails', async () => {
  const failure = new Error('database is away');
  const reload = vi
    .fn<() => Promise<void>>()
    .mockResolvedValueOnce()
    .mockRejectedValueOnce(failure)
    .mockResolvedValue();
  const onError = vi.fn<(error: unknown) => void>();
  const following = followKeyring({ activeVersion: 1, key: () => undefined, reload }, onError);
  await vi.advanceTimersByTimeAsync(reloadSeconds * 3000);
  expect(reload).toHaveBeenCalledTimes(3);
  expect(onError.mock.calls).toEqual([[failure]]);
  following.stop();
  await vi.advanceTimersByTimeAsync(reloadSeconds * 3000);
  expect(reload).toHaveBeenCalledTimes(3);
});

test('resealing brings a secret to the active version and leaves it there', () => {
  const keys = new Map([1, 2].map((version) => [version, createSecretKey(randomBytes(32))]));
  const under = (activeVersion: number) => ({ activeVersion, key: (version: number) => keys.get(version) });
  const place = { table: 'totp', column: 'sealed_secret', schoolId: null, rowId: newId(), origin: null };
  const renewed = reseal(under(2), seal(under(1), 'secret', place), place);
  expect(renewed?.version).toBe(2);
  expect(openText(under(2), renewed, place)).toBe('secret');
  expect(reseal(under(2), renewed, place)).toBeNull();
});
