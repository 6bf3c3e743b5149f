import { createHmac } from 'node:crypto';

export interface JobKeys {
  readonly signingKey: string;
  readonly signingKeyFallback: string | null;
  readonly eventKey: string;
}

/** The embedded executor's keys: derived from the master key, so that every process of this installation has the same. */
export function embeddedKeys(masterKey: string): JobKeys {
  const derive = (use: string) => createHmac('sha256', masterKey).update(`crosswalk jobs ${use}`).digest('hex');
  return {
    signingKey: `signkey-embedded-${derive('signing key')}`,
    signingKeyFallback: null,
    eventKey: derive('event key'),
  };
}
