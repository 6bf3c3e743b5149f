import { z } from 'zod';
import { collections } from '#server/connectors/contract.ts';

/** How packages come: by hand (browser or command), or from a folder that is looked into. */
const ways = ['upload', 'sftp'] as const;

const orNothing = <T extends z.ZodType>(schema: T) =>
  z.preprocess((typed) => (typeof typed === 'string' && typed.trim() === '' ? undefined : typed), schema.optional());

/** A host or a literal address, bare: no scheme, no port. Whether it may be reached is the outbound client's to say. */
const hostSchema = z
  .string()
  .trim()
  .max(253)
  .regex(/^[A-Za-z0-9.-]+$|^[0-9A-Fa-f:]+$/)
  .transform((host) => host.toLowerCase().replace(/\.$/, ''));

/** SHA-256 of the host key as `ssh-keygen -lf` shows it (RFC 4648 base64 without padding). */
const fingerprintSchema = z
  .string()
  .trim()
  .regex(/^(?:SHA256:)?[A-Za-z0-9+/]{43}=?$/)
  .transform((typed) => `SHA256:${typed.replace(/^SHA256:/, '').replace(/=$/, '')}`);

const folderSchema = z
  .string()
  .trim()
  .max(500)
  .refine((folder) => [...folder].every((character) => character >= ' '))
  .transform((folder) => (folder === '' ? '.' : folder.replace(/(?<=.)\/+$/, '')));

export const settingsSchema = z
  .object({
    version: z.enum(['1.2', '1.1']),
    way: z.enum(ways),
    host: orNothing(hostSchema),
    port: orNothing(z.coerce.number().int().min(1).max(65_535)),
    folder: orNothing(folderSchema),
    fingerprint: orNothing(fingerprintSchema),
  })
  .transform(({ version, way, host, port = 22, folder = '.', fingerprint }, check) => {
    if (way === 'upload') return { version, way };
    if (host !== undefined && fingerprint !== undefined) return { version, way, host, port, folder, fingerprint };
    for (const [name, value] of Object.entries({ host, fingerprint })) {
      if (value === undefined) check.addIssue({ code: 'custom', path: [name] });
    }
    return z.NEVER;
  });
export type Settings = z.infer<typeof settingsSchema>;
export type SftpSettings = Extract<Settings, { way: 'sftp' }>;

/** What an inspected package showed: words and numbers only. It stands where another system's secret stands. */
export const handedInSchema = z.object({
  handedIn: z.literal('upload'),
  version: z.enum(['1.2', '1.1']),
  /** Collections whose file was there and could be read. */
  readable: z.array(z.enum(collections)),
  /** Rows counted at the inspection, of collections that name nobody. */
  counts: z.partialRecord(z.enum(collections), z.number().int().nonnegative()),
});
export type HandedIn = z.infer<typeof handedInSchema>;

const loginSchema = z
  .object({
    user: z.string().trim().min(1).max(200),
    password: orNothing(z.string().max(2000)),
    privateKey: orNothing(z.string().max(4000)),
    passphrase: orNothing(z.string().max(2000)),
  })
  .refine(({ password, privateKey }) => (password === undefined) !== (privateKey === undefined), {
    path: ['password'],
  });
export type Login = z.infer<typeof loginSchema>;

export const secretSchema = z.union([handedInSchema, loginSchema]);
export type Secret = z.infer<typeof secretSchema>;
export const isHandedIn = (secret: Secret): secret is HandedIn => 'handedIn' in secret;
