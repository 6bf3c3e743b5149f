import { z } from 'zod';
import { webAddressSchema } from '#server/connectors/exchange/web-address.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';

export const versions = ['1.2', '1.1'] as const;
export type Version = (typeof versions)[number];

/** How calls are authorised: by a token, or each signed with OAuth 1.0a (RFC 5849), which some servers of 1.1 still want. */
export const authorizations = ['oauth2', 'oauth1-hmac-sha256', 'oauth1-hmac-sha1'] as const;
export type Authorization = (typeof authorizations)[number];

const orNothing = <T extends z.ZodType>(schema: T) =>
  z.preprocess((typed) => (typeof typed === 'string' && typed.trim() === '' ? undefined : typed), schema.optional());

export const settingsSchema = z
  .object({
    version: z.enum(versions),
    authorization: orNothing(z.enum(authorizations)),
    /** The whole base address of the rostering service: a host may put a prefix before `/ims`. */
    baseUrl: webAddressSchema,
    /** Configured out of band; the standard fixes no place for it. Signed calls need none. */
    tokenUrl: orNothing(webAddressSchema),
    /** Where a SIS calls its scopes otherwise than the standard does: asked for as it stands. */
    scope: orNothing(z.string().trim().max(500)),
  })
  .transform(({ authorization = 'oauth2', ...settings }) => {
    // 1.2 knows bearer tokens alone (Security Framework 1.0), whatever was chosen before the version.
    if (settings.version === '1.2' || authorization === 'oauth2') {
      return { ...settings, authorization: 'oauth2' as const };
    }
    // Where no token is bought, no secret goes to an address for tokens that was typed in before.
    return { ...settings, authorization, tokenUrl: undefined, scope: undefined };
  })
  .refine(({ authorization, tokenUrl }) => authorization !== 'oauth2' || tokenUrl !== undefined, {
    path: ['tokenUrl'],
  });
export type Settings = z.infer<typeof settingsSchema>;

/** @throws CrosswalkError `misconfigured` where calls are signed and no token is bought */
export function tokenUrlOf({ tokenUrl }: Settings): string {
  if (tokenUrl === undefined) throw new CrosswalkError('misconfigured', { details: { problem: 'no-token-address' } });
  return tokenUrl;
}

/** Client id and secret, or key and secret of a consumer by OAuth 1.0a. */
export const secretSchema = z.object({
  clientId: z.string().trim().min(1).max(500),
  clientSecret: z.string().min(1).max(2000),
});
export type Secret = z.infer<typeof secretSchema>;

/** What a token is bought for. */
export type Permission = 'core' | 'demographics';

type ScopeName = 'roster-core.readonly' | 'roster.readonly' | 'roster-demographics.readonly';

/** Scope addresses of OneRoster 1.2 and 1.1 (§ "Scopes" of each REST binding). */
export const scopeUri = (version: Version, name: ScopeName) =>
  `https://purl.imsglobal.org/spec/or/${version === '1.2' ? 'v1p2' : 'v1p1'}/scope/${name}`;

/** The smallest scopes that do: the core one, and that of demographics where these are read. None where calls are signed. */
export function scopesOf(settings: Settings, permission: Permission): readonly string[] {
  if (settings.authorization !== 'oauth2') return [];
  if (settings.scope !== undefined) return [settings.scope];
  return [
    scopeUri(settings.version, 'roster-core.readonly'),
    ...(permission === 'demographics' ? [scopeUri(settings.version, 'roster-demographics.readonly')] : []),
  ];
}
