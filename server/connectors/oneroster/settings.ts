import { z } from 'zod';
import { webAddressSchema } from '#server/connectors/exchange/web-address.ts';

export const versions = ['1.2', '1.1'] as const;
export type Version = (typeof versions)[number];

export const settingsSchema = z.object({
  version: z.enum(versions),
  /** The whole base address of the rostering service: a host may put a prefix before `/ims`. */
  baseUrl: webAddressSchema,
  /** Configured out of band; the standard fixes no place for it. */
  tokenUrl: webAddressSchema,
  /** Where a SIS calls its scopes otherwise than the standard does: asked for as it stands. */
  scope: z
    .string()
    .trim()
    .max(500)
    .optional()
    .transform((text) => (text === '' ? undefined : text)),
});
export type Settings = z.infer<typeof settingsSchema>;

export const secretSchema = z.object({
  clientId: z.string().trim().min(1).max(500),
  clientSecret: z.string().min(1).max(2000),
});
export type Secret = z.infer<typeof secretSchema>;

/** Scope addresses of OneRoster 1.2 and 1.1 (§ "Scopes" of each REST binding). */
export const scopeUri = (version: Version, name: 'roster-core.readonly' | 'roster.readonly') =>
  `https://purl.imsglobal.org/spec/or/${version === '1.2' ? 'v1p2' : 'v1p1'}/scope/${name}`;

/** The scope that we need for what names no person. */
export const scopesOf = (settings: Settings): readonly string[] => [
  settings.scope ?? scopeUri(settings.version, 'roster-core.readonly'),
];
