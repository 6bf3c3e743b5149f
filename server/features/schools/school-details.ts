import { z } from 'zod';
import { registers } from '#db/schema/vocabulary.ts';
import { emailSchema } from '#server/features/people/email-address.ts';

const regionNames = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });

/** ISO 3166-1 alpha-2, of a country that exists. */
export function isCountry(text: string): boolean {
  return /^[A-Z]{2}$/.test(text) && text !== 'ZZ' && regionNames.of(text) !== undefined;
}

/** An IANA name that this machine knows; no offset such as `+01:00`, which has no summer time. */
export function isTimeZone(text: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{1,60}$/.test(text)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return true;
  } catch {
    return false;
  }
}

/** The form in which two spellings of one register number are equal: no white space, upper case. */
export function foldRegisterNumber(text: string): string {
  return text.normalize('NFKC').replaceAll(/\s+/g, '').toUpperCase();
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const control = /[\u0000-\u0008\u000B-\u001F\u007F\u202A-\u202E\u2066-\u2069]/;

/** A line of text for people: trimmed, without control characters and direction overrides. */
export const lineSchema = (max: number) =>
  z
    .string()
    .trim()
    .max(max)
    .refine((text) => !control.test(text) && !/[\n\t]/.test(text));

/** Text of several lines. */
export const textSchema = (max: number) =>
  z
    .string()
    .max(max)
    .transform((text) => text.replaceAll(/\r\n?/g, '\n').trim())
    .refine((text) => !control.test(text));

export const registerNumberSchema = lineSchema(40)
  .transform(foldRegisterNumber)
  .refine((text) => /^[\p{L}\p{N}][\p{L}\p{N}./-]*$/u.test(text));

export const siteSchema = z.object({
  name: lineSchema(120).refine((text) => text.length > 0),
  registerNumber: z
    .union([z.literal('').transform(() => null), registerNumberSchema])
    .nullable()
    .default(null),
  place: lineSchema(120)
    .transform((text) => text || null)
    .nullable()
    .default(null),
});

export const contactSchema = z.object({
  name: lineSchema(120).refine((text) => text.length > 0),
  email: emailSchema,
  role: lineSchema(80).default(''),
  phone: lineSchema(40)
    .transform((text) => text || null)
    .nullable()
    .default(null),
});

/** What identifies and locates a school. */
export const schoolIdentitySchema = z.object({
  name: lineSchema(200).refine((text) => text.length > 0),
  register: z.enum(registers),
  registerNumber: registerNumberSchema,
  country: z.string().trim().toUpperCase().refine(isCountry),
  timeZone: z.string().trim().refine(isTimeZone),
});

const distinctSites = z
  .array(siteSchema)
  .max(500)
  .refine((sites) => new Set(sites.map((site) => site.name.toLowerCase())).size === sites.length);

/** A school as an agent enters it. */
export const schoolDetailsSchema = schoolIdentitySchema.extend({
  sites: distinctSites.default([]),
  contacts: z.array(contactSchema).max(50).default([]),
  note: textSchema(2000)
    .transform((text) => text || null)
    .nullable()
    .default(null),
});
export type SchoolDetails = z.output<typeof schoolDetailsSchema>;
