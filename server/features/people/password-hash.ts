import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/** Argon2id (RFC 9106) with OWASP's parameters: 19 MiB, two passes, one lane; in Node's own thread pool. */
const cost = { memory: 19_456, passes: 2, parallelism: 1 } as const;
const tagLength = 32;
const derive = promisify<'argon2id', Argon2Parameters, Buffer>(argon2);

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').replaceAll('=', '');

/** The password's hash in the PHC string format: it names its own algorithm and cost. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const tag = await derive('argon2id', { message: normal(password), nonce: salt, tagLength, ...cost });
  return `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${base64(salt)}$${base64(tag)}`;
}

const phc = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{16,86})\$([A-Za-z0-9+/]{22,86})$/;

/** What an account without a password (or no account) is compared with, so that the answer takes as long. */
const decoy = `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${base64(randomBytes(16))}$${base64(randomBytes(tagLength))}`;

/**
 * Whether the password is the one that was hashed. For null (no account, or one without a password) the same work is
 * done and the answer is no.
 */
export async function verifyPassword(stored: string | null, password: string): Promise<boolean> {
  const [, memory = '', passes = '', parallelism = '', salt = '', tag = ''] = phc.exec(stored ?? decoy) ?? [];
  if (tag === '') return false;
  const expected = Buffer.from(tag, 'base64');
  const given = await derive('argon2id', {
    message: normal(password),
    nonce: Buffer.from(salt, 'base64'),
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    tagLength: expected.length,
  });
  return timingSafeEqual(expected, given) && stored !== null;
}

/** NFC, so that the same keys pressed on two systems are the same password (RFC 8265 §4). */
const normal = (password: string) => password.normalize('NFC');
