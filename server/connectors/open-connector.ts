import type { Scope } from '#db/schema/vocabulary.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import type {
  BareSession,
  Collection,
  Connector,
  ConsentAnswer,
  ConsentRequest,
  ConsentResult,
  FetchOptions,
  Page,
  PreviewCollection,
  Proof,
  Session,
  Tokens,
  WatchedFolder,
} from './contract.ts';
import type { AnyPushBatch, BatchPush, ExistingAsk, PackagePush, Push } from './push-contract.ts';

/** What a registered connector says of itself, whatever the types of its settings and secret. */
type Facts = Pick<
  Connector,
  | 'id'
  | 'kind'
  | 'products'
  | 'authentication'
  | 'settingsFields'
  | 'secretFields'
  | 'guide'
  | 'capabilities'
  | 'collectionsFor'
>;

/** What a connector's push says of itself. */
export type PushFacts = Pick<
  Push<unknown>,
  'manner' | 'entities' | 'carries' | 'signIn' | 'keyLength' | 'codesAreUnique' | 'reading' | 'batch'
>;

type Bound<P> = {
  readonly [K in keyof P]: P[K] extends (session: never, ...rest: infer A) => infer R ? (...rest: A) => R : P[K];
};
/** A connector's push with a session in hand: the promises are those of `push-contract.ts`. */
export type OpenPush = Bound<BatchPush<unknown>> | Bound<PackagePush<unknown>>;

/** A connector with the settings and the secret of one system in hand. */
export interface OpenConnector {
  readonly id: string;
  /** @throws CrosswalkError `internal` where packages of this source lie in no folder */
  openFolder(): Promise<WatchedFolder>;
  prove(scopes: readonly Scope[]): Promise<Proof>;
  preview(scopes: readonly Scope[]): Promise<readonly PreviewCollection[]>;
  fetch<C extends Collection>(collection: C, cursor: string | null, options?: FetchOptions): AsyncIterable<Page<C>>;
  collectionsFor(scopes: readonly Scope[]): readonly Collection[];
  /** Null where this LMS cannot be written to. */
  readonly push: OpenPush | null;
}

/** The connector of the registry: settings and secrets come in as they were stored and are parsed here. */
export interface RegisteredConnector extends Facts {
  readonly source: 'asked' | 'handed-in';
  /** How packages come by these settings; null where the system is asked. */
  wayOfPackages(settings: unknown): 'upload' | 'sftp' | null;
  /** The server that a folder lies on. */
  packageServer(settings: unknown): { readonly host: string; readonly port: number } | null;
  /** Parses settings as typed in. @throws CrosswalkError `invalid-input` with the names of the fields */
  parseSettings(settings: unknown): Record<string, unknown>;
  /** Parses a secret as typed in. @throws CrosswalkError `invalid-input` with the names of the fields */
  parseSecret(secret: unknown): Record<string, unknown>;
  foreignScopes(scopes: readonly Scope[], settings: unknown): readonly string[];
  origins(settings: unknown): readonly string[];
  hint(secret: unknown): string;
  open(session: Session<unknown, unknown>): OpenConnector;
  readonly push: PushFacts | null;
  readonly consent: {
    authorizeUrl(settings: unknown, secret: unknown, request: ConsentRequest): string;
    exchange(session: BareSession<unknown, unknown>, answer: ConsentAnswer): Promise<ConsentResult>;
    revoke(session: BareSession<unknown, unknown>, tokens: Tokens): Promise<void>;
  } | null;
}

/** Hides the types of a connector's settings and secret behind its own schemas, so that all stand in one registry. */
export function register<Settings extends Record<string, unknown>, Secret extends Record<string, unknown>>(
  connector: Connector<Settings, Secret>,
): RegisteredConnector {
  const parse = <T>(schema: Connector<T>['settings'], value: unknown): T => {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    // No cause: Zod's issues may quote what was typed in, and that may be the secret.
    throw new CrosswalkError('invalid-input', {
      details: { fields: [...new Set(parsed.error.issues.map((issue) => issue.path.join('.')))] },
    });
  };
  const settingsOf = (value: unknown) => parse(connector.settings, value);
  const secretOf = (value: unknown) => parse(connector.secret, value);
  const { consent, push } = connector;
  return {
    id: connector.id,
    kind: connector.kind,
    source: connector.source ?? 'asked',
    // Before an address was entered the settings are not whole: nothing comes yet.
    wayOfPackages: (settings) => {
      const parsed = connector.settings.safeParse(settings);
      return connector.packages === undefined || !parsed.success ? null : connector.packages.way(parsed.data);
    },
    packageServer: (settings) => connector.packages?.server(settingsOf(settings)) ?? null,
    products: connector.products,
    authentication: connector.authentication,
    settingsFields: connector.settingsFields,
    secretFields: connector.secretFields,
    guide: connector.guide,
    capabilities: connector.capabilities,
    collectionsFor: connector.collectionsFor,
    parseSettings: settingsOf,
    parseSecret: secretOf,
    foreignScopes: (scopes, settings) => connector.foreignScopes(scopes, settingsOf(settings)),
    origins: (settings) => connector.origins(settingsOf(settings)),
    hint: (secret) => connector.hint(secretOf(secret)),
    open: (raw) => {
      const session = { ...raw, settings: settingsOf(raw.settings), secret: secretOf(raw.secret) };
      return {
        id: connector.id,
        openFolder: async () => {
          if (connector.packages === undefined)
            throw new CrosswalkError('internal', { details: { problem: 'no-folder' } });
          return connector.packages.openFolder(session);
        },
        prove: (scopes) => connector.prove(session, scopes),
        preview: (scopes) => connector.preview(session, scopes),
        fetch: (collection, cursor, options) => connector.fetch(session, collection, cursor, options),
        collectionsFor: connector.collectionsFor,
        push: push === undefined ? null : bind(push, session),
      };
    },
    push: push ?? null,
    consent:
      consent === undefined
        ? null
        : {
            authorizeUrl: (settings, secret, request) =>
              consent.authorizeUrl(settingsOf(settings), secretOf(secret), request),
            exchange: (raw, answer) =>
              consent.exchange({ ...raw, settings: settingsOf(raw.settings), secret: secretOf(raw.secret) }, answer),
            revoke: (raw, tokens) =>
              consent.revoke({ ...raw, settings: settingsOf(raw.settings), secret: secretOf(raw.secret) }, tokens),
          },
  };
}

function bind<S>(push: Push<S>, session: S): OpenPush {
  const both = {
    readExisting: (ask: ExistingAsk) => push.readExisting(session, ask),
    detectForeignImport: (ours: Parameters<Push<S>['detectForeignImport']>[1]) =>
      push.detectForeignImport(session, ours),
  };
  if (push.manner === 'batches') {
    return { ...push, ...both, deliver: (batch: AnyPushBatch) => push.deliver(session, batch) };
  }
  return {
    ...push,
    ...both,
    deliver: (batch: AnyPushBatch & { readonly action: 'adopt' }) => push.deliver(session, batch),
    find: (submitted) => push.find(session, submitted),
    submit: (toSubmit) => push.submit(session, toSubmit),
    follow: (ticket) => push.follow(session, ticket),
    problems: (ticket) => push.problems(session, ticket),
  };
}
