import { z } from 'zod';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { listMaxBytes } from './parse-school-list.ts';

/** A CSV file as a page sends it: base64, since its encoding is ours to judge. */
export const listFileSchema = z.string().max(Math.ceil(listMaxBytes / 3) * 4 + 400);

export function bytesOfList(base64: string): Uint8Array {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64))
    throw new CrosswalkError('invalid-input', { details: { fields: ['file'] } });
  return Buffer.from(base64, 'base64');
}
