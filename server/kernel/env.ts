import { inspect } from 'node:util';
import { z } from 'zod';
import messages from '#messages/en/environment.json' with { type: 'json' };
import { CrosswalkError } from './errors.ts';
import { type AllowEntry, parseAllowList } from './outbound/target.ts';

export interface MasterKey {
  readonly id: string;
  /** 32 bytes. */
  readonly base64: string;
}

export interface OidcProvider {
  /** Lower case, as in the callback's path. */
  readonly id: string;
  readonly label: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Everything that is configured, read once at start. Frozen; printed or serialised it shows nothing. */
export interface Environment {
  /** `demo` while CROSSWALK_URL is unset (DESIGN.md §4). */
  readonly mode: 'demo' | 'production';
  /** Origin under which people reach Crosswalk, without a trailing slash. */
  readonly baseUrl: string;
  readonly port: number;
  /** Where the web process listens: loopback in demo mode, every address of the machine in production unless WEB_HOST says otherwise. */
  readonly webHost: string;
  readonly workerPort: number;
  /** Where the worker listens: loopback, unless an Inngest server or a load balancer must reach it. */
  readonly workerHost: string;
  readonly dataDir: string;
  readonly database: {
    /** Null: the embedded server. */
    readonly url: string | null;
    /** Null: derived from `url` and the master key (db/prepare.ts `urlForRole`). */
    readonly webUrl: string | null;
    readonly syncUrl: string | null;
    readonly prepare: boolean;
  };
  /** The first one wraps, the others only unwrap. Empty only in demo mode before the start has made one. */
  readonly masterKeys: readonly MasterKey[];
  readonly mail: { readonly smtpUrl: string | null; readonly from: string };
  readonly outboundAllow: readonly AllowEntry[];
  readonly inngest: {
    /** Null: the embedded executor. */
    readonly baseUrl: string | null;
    readonly signingKey: string | null;
    /** The key before or after, while it is being replaced. */
    readonly signingKeyFallback: string | null;
    /** Origin under which the Inngest server reaches the worker; null: the worker's own address. */
    readonly serveOrigin: string | null;
    readonly eventKey: string | null;
    readonly serveInWeb: boolean;
  };
  readonly oidc: readonly OidcProvider[];
  readonly operatorEmail: string | null;
  readonly auditHeadsFile: string;
  readonly logLevel: LogLevel;
  /** The sandbox's programs; always null in production. */
  readonly sandbox: {
    readonly sisUrl: string | null;
    readonly canvasUrl: string | null;
    readonly moodleUrl: string | null;
    readonly pullerUrl: string | null;
  };
}

type Hinted = keyof typeof messages.hints;
type Source = Readonly<Record<string, string | undefined>>;

const port = z.coerce.number().int().min(1).max(65_535);
/** An address or a name of this machine to listen on. */
const listenHost = z.union([z.ipv4(), z.ipv6(), z.hostname()]);
const flag = z.enum(['0', '1', 'false', 'true']).transform((text) => text === '1' || text === 'true');
const loopbackHosts = new Set(['localhost', '127.0.0.1', '[::1]']);

const httpUrl = z.string().refine((text) => {
  const url = URL.parse(text);
  return url !== null && (url.protocol === 'https:' || url.protocol === 'http:') && url.username === '';
});
const publicUrl = httpUrl.refine((text) => {
  const url = URL.parse(text);
  if (url === null || url.pathname !== '/' || url.search !== '' || url.hash !== '') return false;
  return url.protocol === 'https:' || loopbackHosts.has(url.hostname);
});
const issuerUrl = httpUrl.refine((text) => {
  const url = URL.parse(text);
  return url !== null && (url.protocol === 'https:' || loopbackHosts.has(url.hostname));
});
const postgresUrl = z.string().refine((text) => {
  const url = URL.parse(text);
  return url !== null && (url.protocol === 'postgres:' || url.protocol === 'postgresql:') && url.pathname.length > 1;
});
const smtpUrl = z.string().refine((text) => {
  const url = URL.parse(text);
  return url !== null && (url.protocol === 'smtp:' || url.protocol === 'smtps:') && url.hostname !== '';
});
const mailFrom = z.string().refine((text) => {
  if (/[\r\n]/.test(text)) return false;
  return z.email().safeParse(/<([^<>]*)>\s*$/.exec(text)?.[1] ?? text.trim()).success;
});

const masterKeys = z.string().transform((text, context): MasterKey[] => {
  const keys = text.split(',').map((part) => {
    const [, id = '1', base64 = ''] = /^\s*(?:([\w.-]{1,40}):)?([A-Za-z0-9+/_=-]+)\s*$/.exec(part) ?? [];
    const bytes = Buffer.from(base64, 'base64');
    return { id, base64: bytes.toString('base64'), usable: bytes.length === 32 };
  });
  if (keys.some((key) => !key.usable) || new Set(keys.map((key) => key.id)).size !== keys.length) {
    context.addIssue({ code: 'custom', message: 'master key' });
    return z.NEVER;
  }
  return keys.map(({ id, base64 }) => ({ id, base64 }));
});

/**
 * Reads and checks the configuration (docs: every variable).
 * @throws CrosswalkError `misconfigured` whose `details.problems` holds one sentence for each mistake; no value stands in them.
 */
export function loadEnvironment(source: Source = process.env): Environment {
  const problems: string[] = [];
  const say = (form: 'missing' | 'wrong', variable: string, hint: Hinted) =>
    problems.push(messages[form].replace('{variable}', variable).replace('{hint}', messages.hints[hint]));
  /** Set and not blank: compose files hand on unset variables as empty text. */
  const text = (variable: string): string | null => {
    const value = source[variable]?.trim();
    return value === undefined || value === '' ? null : value;
  };
  function read<S extends z.ZodType>(variable: Hinted, schema: S): z.infer<S> | null {
    const value = text(variable);
    if (value === null) return null;
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    say('wrong', variable, variable);
    return null;
  }
  const need = (variable: Hinted) => {
    if (text(variable) === null) say('missing', variable, variable);
  };

  const mode = text('CROSSWALK_URL') === null ? 'demo' : 'production';
  const webPort = read('PORT', port) ?? 3000;
  const workerPort = read('WORKER_PORT', port) ?? 3010;
  if (workerPort === webPort) say('wrong', 'WORKER_PORT', 'WORKER_PORT');
  const dataDir = text('DATA_DIR') ?? '.data';
  const ownUrl = read('CROSSWALK_URL', publicUrl);

  if (mode === 'production')
    for (const variable of ['CROSSWALK_MASTER_KEY', 'SMTP_URL', 'MAIL_FROM'] as const) need(variable);
  if (text('DATABASE_WEB_URL') !== null || text('DATABASE_SYNC_URL') !== null) {
    for (const variable of ['DATABASE_URL', 'DATABASE_WEB_URL', 'DATABASE_SYNC_URL'] as const) need(variable);
  }
  if (text('INNGEST_BASE_URL') !== null)
    for (const variable of ['INNGEST_SIGNING_KEY', 'INNGEST_EVENT_KEY'] as const) need(variable);

  const allow = parseAllowList(text('OUTBOUND_ALLOW') ?? '');
  if (allow.wrong.length > 0) say('wrong', 'OUTBOUND_ALLOW', 'OUTBOUND_ALLOW');
  const sandbox = (variable: 'SANDBOX_SIS_URL' | 'SANDBOX_CANVAS_URL' | 'SANDBOX_MOODLE_URL' | 'SANDBOX_PULLER_URL') =>
    mode === 'demo' ? read(variable, httpUrl) : null;

  const environment: Environment = {
    mode,
    baseUrl: ownUrl === null ? `http://localhost:${webPort}` : new URL(ownUrl).origin,
    port: webPort,
    webHost: mode === 'demo' ? '127.0.0.1' : (read('WEB_HOST', listenHost) ?? '0.0.0.0'),
    workerPort,
    workerHost: read('WORKER_HOST', listenHost) ?? '127.0.0.1',
    dataDir,
    database: {
      url: read('DATABASE_URL', postgresUrl),
      webUrl: read('DATABASE_WEB_URL', postgresUrl),
      syncUrl: read('DATABASE_SYNC_URL', postgresUrl),
      prepare: read('DATABASE_PREPARE', flag) ?? true,
    },
    masterKeys: read('CROSSWALK_MASTER_KEY', masterKeys) ?? [],
    mail: {
      smtpUrl: read('SMTP_URL', smtpUrl),
      from: read('MAIL_FROM', mailFrom) ?? 'Crosswalk <crosswalk@localhost>',
    },
    outboundAllow: allow.entries,
    inngest: {
      baseUrl: read('INNGEST_BASE_URL', httpUrl),
      signingKey: text('INNGEST_SIGNING_KEY'),
      signingKeyFallback: text('INNGEST_SIGNING_KEY_FALLBACK'),
      serveOrigin: read('INNGEST_SERVE_ORIGIN', httpUrl),
      eventKey: text('INNGEST_EVENT_KEY'),
      serveInWeb: read('INNGEST_SERVE_IN_WEB', flag) ?? false,
    },
    oidc: readOidcProviders(source, (variable) => say('wrong', variable, 'OIDC')),
    operatorEmail: read('OPERATOR_EMAIL', z.email()),
    auditHeadsFile: text('AUDIT_HEADS_FILE') ?? `${dataDir}/audit-heads.jsonl`,
    logLevel: read('LOG_LEVEL', z.enum(logLevels)) ?? 'info',
    sandbox: {
      sisUrl: sandbox('SANDBOX_SIS_URL'),
      canvasUrl: sandbox('SANDBOX_CANVAS_URL'),
      moodleUrl: sandbox('SANDBOX_MOODLE_URL'),
      pullerUrl: sandbox('SANDBOX_PULLER_URL'),
    },
  };
  if (problems.length > 0) throw new CrosswalkError('misconfigured', { details: { problem: 'environment', problems } });
  return veil(environment);
}

const oidcVariable = /^OIDC_([A-Z0-9]+(?:_[A-Z0-9]+)*?)_(ISSUER|CLIENT_ID|CLIENT_SECRET|LABEL)$/;

function readOidcProviders(source: Source, wrong: (variable: string) => void): OidcProvider[] {
  const found = new Map<string, Map<string, string>>();
  for (const [variable, value] of Object.entries(source)) {
    if (!variable.startsWith('OIDC_') || value === undefined || value.trim() === '') continue;
    const [, name, part] = oidcVariable.exec(variable) ?? [];
    if (name === undefined || part === undefined) wrong(variable);
    else found.set(name, (found.get(name) ?? new Map<string, string>()).set(part, value.trim()));
  }
  const providers: OidcProvider[] = [];
  for (const [name, parts] of [...found].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))) {
    const issuer = issuerUrl.safeParse(parts.get('ISSUER'));
    const clientId = parts.get('CLIENT_ID');
    const clientSecret = parts.get('CLIENT_SECRET');
    if (!issuer.success) wrong(`OIDC_${name}_ISSUER`);
    if (clientId === undefined) wrong(`OIDC_${name}_CLIENT_ID`);
    if (clientSecret === undefined) wrong(`OIDC_${name}_CLIENT_SECRET`);
    if (!issuer.success || clientId === undefined || clientSecret === undefined) continue;
    const id = name.toLowerCase().replaceAll('_', '-');
    providers.push({
      id,
      label: parts.get('LABEL') ?? new URL(issuer.data).hostname,
      issuer: issuer.data,
      clientId,
      clientSecret,
    });
  }
  return providers;
}

/** Freezes all of it, and keeps addresses with passwords and keys out of whatever prints or serialises it by mistake. */
function veil<T extends object>(value: T): T {
  for (const member of Object.values(value)) if (typeof member === 'object' && member !== null) veil(member);
  if (!Array.isArray(value)) {
    Object.defineProperty(value, inspect.custom, { value: () => '[configuration]' });
    Object.defineProperty(value, 'toJSON', { value: () => '[configuration]' });
  }
  return Object.freeze(value);
}
