import type { SealedPlace } from '#server/kernel/sealed.ts';

/** Where a client's secret rests, where the school allows signed calls. It is never sent anywhere. */
export function placeOfClientSecret(schoolId: string, secretId: string): SealedPlace {
  return { table: 'consumer_secret', column: 'sealed', schoolId, rowId: secretId, origin: null };
}
