import type { OpenPush, PushFacts } from '#server/connectors/open-connector.ts';
import type { Context } from '#server/kernel/context.ts';
import type { CrosswalkError } from '#server/kernel/errors.ts';
import type { PushKey } from './lease.ts';

/** What a push needs of the features, which implement it; a job hands it over. Every method opens its own transactions. */
export interface PushPorts {
  /** What a connector's push says of itself; null where it writes nothing. */
  factsOf(connector: string): PushFacts | null;
  /**
   * Opens the LMS's credential for a push: the connection may receive, its grant lives, the address is the one that the school confirmed.
   * Calls are logged; the use of the secret is audited once per push.
   * @throws CrosswalkError `push-not-offered` where the connector writes nothing, `credential-not-proved`, `stopped-by-school`, `grant-not-live`,
   *   `host-not-confirmed`, and whatever `run` throws
   */
  withPush<T>(
    ctx: Context,
    use: PushKey & { readonly systemId: string; readonly connectionId: string },
    run: (push: OpenPush) => Promise<T>,
  ): Promise<T>;
  /** Proves that the credential may read and write what a push needs. @throws CrosswalkError `scope-missing`, `rights-missing`, as `withPush` */
  provePush(ctx: Context, use: PushKey & { readonly systemId: string; readonly connectionId: string }): Promise<void>;
  /** A push was done at `at`: its connection is live. Called once or, after a crash, again with the same push. */
  onPushDone(
    ctx: Context,
    outcome: PushKey & { readonly connectionId: string; readonly records: number; readonly at: Date },
  ): Promise<void>;
  /** A push waits for a person's verdict: no failure, and what was written before stays. */
  onPushHeld(ctx: Context, outcome: PushKey & { readonly connectionId: string }): Promise<void>;
  /** A push ended for good without being done. */
  onPushFailed(
    ctx: Context,
    outcome: PushKey & { readonly connectionId: string; readonly error: CrosswalkError; readonly at: Date },
  ): Promise<void>;
  /** What the school chose for the end of a connection is done: the connection ends. */
  onPushEnded(ctx: Context, outcome: PushKey & { readonly connectionId: string }): Promise<void>;
}
