import { z } from 'zod';
import type { Connector } from '#server/connectors/contract.ts';
import { webAddressSchema } from '#server/connectors/exchange/web-address.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';

const settingsSchema = z.object({
  /** Where its people open it: shown, so that they recognise it. Nothing is ever asked of it. */
  baseUrl: webAddressSchema,
});
type Settings = z.infer<typeof settingsSchema>;
const secretSchema = z.object({});
type Secret = z.infer<typeof secretSchema>;

const neverAsked = () => new CrosswalkError('internal', { details: { problem: 'system-never-asked' } });

/** An LMS that asks Crosswalk for its roster by OneRoster and is itself never asked for anything. */
export const pullingLms = {
  id: 'pulling-lms',
  kind: 'lms',
  products: [{ id: 'pulling-lms', name: 'LMS with OneRoster', preset: {} }],
  authentication: { kind: 'token' },
  settingsFields: [
    {
      name: 'baseUrl',
      label: 'pulling-lms.field.base-url',
      kind: 'url',
      required: true,
      example: 'https://lms.school.example',
    },
  ],
  secretFields: [],
  settings: settingsSchema,
  secret: secretSchema,
  guide: [{ text: 'pulling-lms.guide.link' }, { text: 'pulling-lms.guide.enter' }, { text: 'pulling-lms.guide.wait' }],
  capabilities: { reads: [], deltas: false, scopes: [], concurrency: 1 },
  foreignScopes: () => [],
  // No credential goes there.
  origins: () => [],
  collectionsFor: () => [],
  hint: () => '',
  prove: async () => ({ ok: true, results: [], actsAs: null, about: {}, advice: [] }),
  preview: async () => [],
  fetch: () => {
    throw neverAsked();
  },
} as const satisfies Connector<Settings, Secret>;
