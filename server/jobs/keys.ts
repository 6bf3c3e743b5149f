import { createHmac } from 'node:crypto';
import { CrosswalkError } from '#server/kernel/errors.ts';

export interface JobKeys {
  readonly signingKey: string;
  readonly signingKeyFallback: string | null;
  readonly eventKey: string;
}

/**
 * The embedded executor's keys: derived from the master key, so that every process of this installation has the same. While
 * a master key is being replaced, what the older one signed still holds.
 */
export function embeddedKeys(masterKeys: readonly { readonly base64: string }[]): JobKeys {
  const [current, former] = masterKeys;
  if (current === undefined) throw new CrosswalkError('misconfigured', { details: { problem: 'master-key-missing' } });
  const derive = (key: string, use: string) => createHmac('sha256', key).update(`crosswalk jobs ${use}`).digest('hex');
  const signingKey = (key: string) => `signkey-embedded-${derive(key, 'signing key')}`;
  return {
    signingKey: signingKey(current.base64),
    signingKeyFallback: former === undefined ? null : signingKey(former.base64),
    eventKey: derive(current.base64, 'event key'),
  };
}
