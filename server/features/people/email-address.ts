import { domainToASCII } from 'node:url';
import { z } from 'zod';

/** An address as somebody typed it: kept as it is, compared by `foldEmail`. */
export const emailSchema = z
  .string()
  .trim()
  .max(254)
  .refine((text) => foldEmail(text) !== null);

/**
 * The form in which two spellings of one address are equal: Unicode NFKC, lower case, the domain in ASCII (IDNA). Null for
 * what is no address.
 */
export function foldEmail(text: string): string | null {
  const [, local, domain] = /^([^\s@<>"',;:()[\]\\]{1,64})@([^\s@]{1,253})$/u.exec(text.trim().normalize('NFKC')) ?? [];
  if (local === undefined || domain === undefined) return null;
  const ascii = domainToASCII(domain.toLowerCase());
  if (
    !/^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/.test(ascii) &&
    ascii !== 'localhost'
  )
    return null;
  return `${local.toLowerCase()}@${ascii}`;
}
