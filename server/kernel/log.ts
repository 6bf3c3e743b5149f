import { getSystemErrorMap, types } from 'node:util';
import { type DestinationStream, pino } from 'pino';
import { type LogLevel, logLevels } from './env.ts';
import { isCrosswalkError } from './errors.ts';

/**
 * Every field that a log line may carry, with the shape its value must have. What is not listed, or looks otherwise, is
 * left out: nothing is redacted afterwards, since nothing else is ever handed to the logger.
 */
const shapes = {
  id: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
  word: /^[a-z][a-z0-9]*(?:[-./:_][a-z0-9]+)*$/i,
  host: /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9-]{1,63})*|\[?[0-9a-f:.]+\]?)(?::\d{1,5})?$/i,
  method: /^[A-Z]{3,7}$/,
} as const;

const fields = {
  requestId: 'id',
  schoolId: 'id',
  systemId: 'id',
  connectionId: 'id',
  credentialId: 'id',
  grantId: 'id',
  agreementId: 'id',
  userId: 'id',
  syncRunId: 'id',
  mailId: 'id',
  eventId: 'id',
  runId: 'id',
  chainId: 'id',
  auditId: 'id',
  host: 'host',
  method: 'method',
  action: 'word',
  code: 'word',
  component: 'word',
  connector: 'word',
  event: 'word',
  field: 'word',
  job: 'word',
  mode: 'word',
  phase: 'word',
  problem: 'word',
  procedure: 'word',
  reason: 'word',
  route: 'word',
  step: 'word',
  template: 'word',
  verb: 'word',
  attempt: 'number',
  bytes: 'number',
  count: 'number',
  keyVersion: 'number',
  milliseconds: 'number',
  pid: 'number',
  port: 'number',
  rows: 'number',
  seconds: 'number',
  seq: 'number',
  status: 'number',
  ok: 'boolean',
  retried: 'boolean',
} as const satisfies Record<string, keyof typeof shapes | 'number' | 'boolean'>;

type FieldName = keyof typeof fields;
type FieldValue<N extends FieldName> = (typeof fields)[N] extends 'number'
  ? number
  : (typeof fields)[N] extends 'boolean'
    ? boolean
    : string;

/** What a line may say besides its text; `error` is reduced to codes, class names and our own stack frames. */
export type LogFields = { readonly [N in FieldName]?: FieldValue<N> | null | undefined } & { readonly error?: unknown };

type Primitive = string | number | boolean;
type Line = Record<string, Primitive | Record<string, unknown>>;

/** A text written in the code; the compiler refuses a computed one. */
type Fixed<T extends string> = string extends T ? never : T;

export interface Logger {
  trace<T extends string>(text: Fixed<T>, fields?: LogFields): void;
  debug<T extends string>(text: Fixed<T>, fields?: LogFields): void;
  info<T extends string>(text: Fixed<T>, fields?: LogFields): void;
  warn<T extends string>(text: Fixed<T>, fields?: LogFields): void;
  error<T extends string>(text: Fixed<T>, fields?: LogFields): void;
  fatal<T extends string>(text: Fixed<T>, fields?: LogFields): void;
  /** The same with fields on every line. */
  with(fields: LogFields): Logger;
}

export interface LoggerOptions {
  /** Which process speaks: `web`, `worker`, `start`, … */
  readonly component: string;
  readonly level?: LogLevel;
  /** Default: standard output. */
  readonly destination?: DestinationStream;
}

const textShape = /^[A-Za-z][A-Za-z0-9 ,;'()./-]{0,119}$/;
const withheld = '[withheld]';
const isFieldName = (name: string): name is FieldName => Object.hasOwn(fields, name);

/** A logger of JSON lines that cannot print a secret or a person: see `fields`. */
export function createLogger(options: LoggerOptions): Logger {
  const base = { component: shapes.word.test(options.component) ? options.component : withheld, pid: process.pid };
  const settings = {
    level: options.level ?? 'info',
    base,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level: string) => ({ level }) },
  };
  const target = options.destination === undefined ? pino(settings) : pino(settings, options.destination);
  const make = (fixed: Line): Logger => {
    const at = (level: Exclude<LogLevel, 'silent'>) => (text: string, extra?: LogFields) => {
      if (!target.isLevelEnabled(level)) return;
      target[level]({ ...fixed, ...permitted(extra) }, textShape.test(text) ? text : withheld);
    };
    return {
      trace: at('trace'),
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      fatal: at('fatal'),
      with: (extra) => make({ ...fixed, ...permitted(extra) }),
    };
  };
  return make({});
}

/** A logger that says nothing, for tests and for callers that were given none. */
export const silentLogger: Logger = createLogger({ component: 'silent', level: 'silent' });

/** The process's own logger: LOG_LEVEL says from which level on. */
export const logger: Logger = createLogger({
  component: 'crosswalk',
  level: logLevels.find((level) => level === process.env.LOG_LEVEL) ?? 'info',
});

function permitted(given: LogFields | undefined): Line {
  const line: Line = {};
  for (const [name, value] of Object.entries(given ?? {})) {
    if (name === 'error') {
      if (value !== undefined) line.error = describeError(value);
    } else if (isFieldName(name) && value !== null && value !== undefined) {
      line[name] = permittedValue(name, value);
    }
  }
  return line;
}

function permittedValue(name: FieldName, value: unknown): Primitive {
  const kind = fields[name];
  if (kind === 'number') return typeof value === 'number' && Number.isFinite(value) ? value : withheld;
  if (kind === 'boolean') return typeof value === 'boolean' ? value : withheld;
  return typeof value === 'string' && value.length <= 253 && shapes[kind].test(value) && !looksSecret(kind, value)
    ? value
    : withheld;
}

/** Keys and tokens are long runs without a separator; words, procedures and hosts are not. */
function looksSecret(kind: keyof typeof shapes, value: string): boolean {
  return (
    (kind === 'word' || kind === 'host') &&
    value.split(/[-./:_]/).some((part) => part.length > 24 || /^(?=.*\d)(?=.*[a-z])\w{16,}$/i.test(part))
  );
}

const systemCodes = new Set([...getSystemErrorMap().values()].map(([name]) => name));
const codeOfLibrary = /^(?:ERR|UND_ERR|CERT|HPE|UNABLE|DEPTH|SELF_SIGNED|EAI)_[A-Z0-9_]{2,60}$/;

/**
 * What of a thrown value may be written down: never its message, which quotes what somebody else sent. Class name, code,
 * our own frames of the stack, permitted details; the same for its causes.
 */
function describeError(thrown: unknown, depth = 0): Record<string, unknown> {
  if (!types.isNativeError(thrown)) return { name: `not an error but ${typeof thrown}` };
  try {
    const described: Record<string, unknown> = { name: className(thrown) };
    const code = isCrosswalkError(thrown) ? thrown.code : foreignCode(thrown);
    if (code !== null) described.code = code;
    if (isCrosswalkError(thrown)) {
      const details = permitted(thrown.details);
      delete details.error;
      if (Object.keys(details).length > 0) described.details = details;
    }
    const frames = ownFrames(thrown);
    if (frames.length > 0) described.at = frames;
    if (depth < 5) {
      if (thrown.cause !== undefined) described.cause = describeError(thrown.cause, depth + 1);
      if (thrown instanceof AggregateError) {
        described.errors = thrown.errors.slice(0, 5).map((one: unknown) => describeError(one, depth + 1));
      }
    }
    return described;
  } catch {
    // A getter of a foreign error threw; what it threw is as little to be trusted.
    return { name: 'unreadable error' };
  }
}

function className(thrown: Error): string {
  const name: unknown = thrown.constructor.name;
  return typeof name === 'string' && /^[A-Za-z][A-Za-z0-9]{0,39}$/.test(name) ? name : 'Error';
}

function foreignCode(thrown: Error): string | null {
  const code: unknown = 'code' in thrown ? thrown.code : null;
  if (typeof code !== 'string') return null;
  if (systemCodes.has(code) || codeOfLibrary.test(code)) return code;
  return className(thrown) === 'PostgresError' && /^[0-9A-Z]{5}$/.test(code) ? code : null;
}

/** Every process of ours runs in the checkout's folder; a path from `import.meta.url` would not survive the web build. */
const root = `${process.cwd()}/`;
const frame = /^ {4}at (?:[^()\n]* \()?(?:file:\/\/)?(\/[\w./()[\]-]+\.[cm]?[jt]sx?:\d+:\d+)\)?$/;

/** Places in our own files, without function names. The message, which stands above them, is cut off by its own text. */
function ownFrames(thrown: Error): string[] {
  const stack = thrown.stack ?? '';
  const start = stack.indexOf(thrown.message);
  if (start < 0) return [];
  return stack
    .slice(start + thrown.message.length)
    .split('\n')
    .map((line) => frame.exec(line)?.[1] ?? '')
    .filter((place) => place.startsWith(root) && !place.includes('node_modules'))
    .slice(0, 8)
    .map((place) => place.slice(root.length));
}
