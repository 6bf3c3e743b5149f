import type { Scope } from '#db/schema/vocabulary.ts';
import type {
  Collection,
  Connector,
  PreviewCollection,
  Proof,
  ProofResult,
  Session,
} from '#server/connectors/contract.ts';
import { CrosswalkError, isCrosswalkError, toCrosswalkError } from '#server/kernel/errors.ts';
import { collectionsFor, needs, reads } from '../oneroster/questions.ts';
import { guide } from './guide.ts';
import { isHandedIn, type Secret, type Settings, secretSchema, settingsSchema } from './settings.ts';
import { openSftpFolder } from './sftp-folder.ts';

const onlySftp = { field: 'way', is: ['sftp'] } as const;

/**
 * OneRoster CSV 1.2 and 1.1: packages that the school hands in, or that lie in a folder which is looked into. Nothing is asked of the SIS;
 * what a package says is read by the run that it was handed in for.
 */
export const oneRosterCsv = {
  id: 'oneroster-csv',
  kind: 'sis',
  source: 'handed-in',
  products: [
    { id: 'oneroster-csv-1.2', name: 'OneRoster CSV 1.2', preset: { version: '1.2' } },
    { id: 'oneroster-csv-1.1', name: 'OneRoster CSV 1.1', preset: { version: '1.1' } },
  ],
  authentication: { kind: 'client-credentials' },
  settingsFields: [
    { name: 'version', label: 'oneroster-csv.field.version', kind: 'choice', choices: ['1.2', '1.1'], required: true },
    { name: 'way', label: 'oneroster-csv.field.way', kind: 'choice', choices: ['upload', 'sftp'], required: true },
    {
      name: 'host',
      label: 'oneroster-csv.field.host',
      kind: 'text',
      required: true,
      onlyWhen: onlySftp,
      example: 'sftp.school.example',
    },
    {
      name: 'port',
      label: 'oneroster-csv.field.port',
      kind: 'text',
      required: false,
      onlyWhen: onlySftp,
      example: '22',
    },
    {
      name: 'folder',
      label: 'oneroster-csv.field.folder',
      kind: 'text',
      required: false,
      onlyWhen: onlySftp,
      example: '/export/oneroster',
    },
    {
      name: 'fingerprint',
      label: 'oneroster-csv.field.fingerprint',
      kind: 'text',
      required: true,
      onlyWhen: onlySftp,
      example: 'SHA256:…',
    },
  ],
  secretFields: [
    { name: 'user', label: 'oneroster-csv.field.user', kind: 'text', required: true },
    { name: 'password', label: 'oneroster-csv.field.password', kind: 'secret', required: false },
    { name: 'privateKey', label: 'oneroster-csv.field.private-key', kind: 'key', required: false },
    { name: 'passphrase', label: 'oneroster-csv.field.passphrase', kind: 'secret', required: false },
  ],
  settings: settingsSchema,
  secret: secretSchema,
  guide,
  capabilities: {
    reads,
    deltas: false,
    scopes: [
      'roster.subjects',
      'roster.streams',
      'roster.groups',
      'roster.classes',
      'roster.teachers',
      'roster.students',
      'roster.guardians',
      'roster.demographics',
    ],
    concurrency: 1,
  },
  foreignScopes: () => [],
  // The host key belongs to the address: another key is another server, and is approved anew. What is handed in goes to no address.
  origins: (settings) =>
    settings.way === 'upload'
      ? ['upload://crosswalk']
      : [`sftp://${hostInUrl(settings.host)}:${settings.port}#${settings.fingerprint}`],
  collectionsFor,
  hint: (secret) => (isHandedIn(secret) ? 'upload' : secret.user),
  prove,
  preview: async ({ secret }, scopes) => collectionsFor(scopes).map((collection) => previewOf(secret, collection)),
  packages: {
    way: (settings) => settings.way,
    server: (settings) => (settings.way === 'sftp' ? { host: settings.host, port: settings.port } : null),
    openFolder: (session) => {
      const { settings, secret } = session;
      if (settings.way !== 'sftp' || isHandedIn(secret)) {
        throw new CrosswalkError('internal', { details: { problem: 'no-folder' } });
      }
      return openSftpFolder(session, settings, secret);
    },
  },
  // biome-ignore lint/correctness/useYield: nothing is ever asked of a source whose packages are handed in
  async *fetch(_session, collection) {
    throw new CrosswalkError('internal', { details: { problem: 'collection-not-read', collection } });
  },
} as const satisfies Connector<Settings, Secret>;

const hostInUrl = (host: string) => (host.includes(':') ? `[${host}]` : host);

function previewOf(secret: Secret, collection: Collection): PreviewCollection {
  const count = isHandedIn(secret) ? (secret.counts[collection] ?? null) : null;
  // Home classes stand among the groups in a package too.
  const known = collection === 'groups' ? 'estimated' : 'exact';
  return { collection, count, precision: count === null ? 'after-first-sync' : known, sample: [] };
}

/** For an upload: what the inspection of the package handed in showed. For a folder: connects, compares the host key, signs in, lists. */
async function prove(session: Session<Settings, Secret>, scopes: readonly Scope[]): Promise<Proof> {
  const { settings, secret } = session;
  const about = { product: `OneRoster CSV ${isHandedIn(secret) ? secret.version : settings.version}` };
  const proof = (results: readonly ProofResult[]): Proof => ({
    ok: results.every(({ ok }) => ok),
    results,
    actsAs: null,
    about,
    advice: [],
  });
  if (settings.way === 'upload') {
    return proof(scopes.map((scope) => provedByPackage(secret, scope)));
  }
  try {
    if (isHandedIn(secret)) throw new CrosswalkError('credential-refused', { details: { host: settings.host } });
    await using folder = await openSftpFolder(session, settings, secret);
    await folder.list();
    return proof(scopes.map((scope) => ({ scope, ok: true, errorCode: null, details: {} })));
  } catch (error) {
    const { code, details } = isCrosswalkError(error) ? error : toCrosswalkError(error);
    return proof(scopes.map((scope) => ({ scope, ok: false, errorCode: code, details })));
  }
}

function provedByPackage(secret: Secret, scope: Scope): ProofResult {
  const readable: readonly Collection[] = isHandedIn(secret) ? secret.readable : [];
  const missing = (needs[scope] ?? ['none']).filter((collection) => !readable.some((there) => there === collection));
  return missing.length === 0
    ? { scope, ok: true, errorCode: null, details: {} }
    : { scope, ok: false, errorCode: 'scope-missing', details: { problem: 'files-missing', files: missing } };
}
