/** A source of rosters: the server of one school that the LMS's administrator entered, and how the last pull from it went. */

import { z } from 'zod';
import { collections, rosterSchema } from './roster.ts';

const isHttpUrl = (value: string): boolean => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);
const httpUrl = z
  .string()
  .trim()
  .refine((value) => value === '' || isHttpUrl(value), 'is no web address')
  .transform((value) => value.replace(/\/+$/, ''));

const wanted = z.object({
  name: z.string().trim().min(1, 'is missing').max(80),
  version: z.enum(['v1p2', 'v1p1']).default('v1p2'),
  baseUrl: httpUrl.refine((value) => value !== '', 'is missing'),
  tokenUrl: httpUrl.default(''),
  clientId: z.string().trim().min(1, 'is missing'),
  clientSecret: z.string().trim().min(1, 'is missing'),
  /** Where the client's credentials go: into the header of the token request, into its body, or into a signature of each request. */
  authentication: z.enum(['basic', 'body', 'oauth1']).default('basic'),
  /** Records asked for at once. */
  limit: z.coerce.number().int().min(1).max(10_000).default(1_000),
});

/** What an administrator enters. */
export const wantedSchema = wanted.superRefine((source, context) => {
  const refuse = (field: string, message: string): void => context.addIssue({ code: 'custom', path: [field], message });
  if (source.authentication === 'oauth1' && source.version !== 'v1p1')
    refuse('authentication', 'can be OAuth 1.0a for OneRoster 1.1 alone');
  if (source.authentication !== 'oauth1' && source.tokenUrl === '') refuse('tokenUrl', 'is missing');
});
export type Wanted = z.output<typeof wantedSchema>;

const outcomeSchema = z.object({
  collection: z.enum(collections),
  /** How it was come by: all of it, only what changed, or not at all because the school does not share it. */
  how: z.enum(['full', 'delta', 'not-shared']),
  /** Records that were sent, and pages that had not changed since the last time (304). */
  received: z.number(),
  unchangedPages: z.number(),
  /** What the server said there is; null where it did not say. */
  total: z.number().nullable(),
  unreadable: z.number(),
});
export type Outcome = z.output<typeof outcomeSchema>;

const pullSchema = z.object({
  at: z.string(),
  milliseconds: z.number(),
  requests: z.number(),
  /** What went wrong, in words; null after a pull that arrived. What was received before it stays. */
  trouble: z.string().nullable(),
  outcomes: z.array(outcomeSchema),
});
export type Pull = z.output<typeof pullSchema>;

export const sourceSchema = wanted.extend({
  id: z.string(),
  roster: rosterSchema,
  /** The newest modification date seen of each collection, from where the next pull asks for changes. */
  cursors: z.partialRecord(z.enum(collections), z.string()),
  lastPull: pullSchema.nullable(),
  /** When a pull last arrived whole. */
  receivedAt: z.string().nullable(),
});
export type Source = z.output<typeof sourceSchema>;
