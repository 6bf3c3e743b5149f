import { z } from 'zod';

/** A `Device` of known-device.ts, as the web process hands it to a sign-in verb; never from the wire. */
export const deviceSchema = z.object({
  network: z.string().nullable(),
  networkKey: z.string(),
  userAgent: z.string().nullable(),
  known: z.object({ nonce: z.string(), accounts: z.array(z.string()).readonly() }).nullable(),
});
