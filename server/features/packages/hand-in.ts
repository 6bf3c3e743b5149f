import { z } from 'zod';
import { assertMayServe, userIdOf } from '#server/features/systems/system-party.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineLongVerb } from '#server/kernel/verb.ts';
import { takeInPackage } from './take-in-package.ts';

const isStream = (value: unknown): value is AsyncIterable<Uint8Array> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

/**
 * A person of the school, or the operator's command, hands a package in. Its bytes come as a stream, so no procedure calls this: the upload
 * route and the command do.
 * @throws as `takeInPackage`
 */
export const handInPackage = defineLongVerb({
  name: 'packages.hand-in',
  kind: 'command',
  access: [{ school: ['school-administrator', 'technical-contact'] }, { link: 'technical-contact' }, { system: true }],
  unaudited: 'audited by what takes the package in, in transactions of its own, a refusal too',
  input: z.object({
    schoolId: idSchema,
    systemId: idSchema,
    fileName: z.string().trim().min(1).max(200),
    bytes: z.custom<AsyncIterable<Uint8Array>>(isStream),
  }),
  async run({ ctx, party, input }) {
    assertMayServe(ctx, party, input.systemId);
    return takeInPackage(ctx, {
      ...input,
      via: party.as === 'system' ? 'command' : 'browser',
      uploadedBy: userIdOf(ctx),
      as: party.as,
    });
  },
});
