import type { CallRecord } from '#server/connectors/contract.ts';
import type { OpenConnector } from '#server/connectors/open-connector.ts';
import type { Context } from '#server/kernel/context.ts';
import type { CrosswalkError } from '#server/kernel/errors.ts';

/**
 * What a sync needs of the connections feature, which implements it. The roster never imports a feature: a job hands it
 * over. Every method may be called with the context of the web role's database and opens its own transactions.
 */
export interface SyncPorts {
  /**
   * Opens the system's credential for `run`: unseals it, holds the token lock while tokens are renewed, writes what was
   * recorded as `system_call` rows (in batches, at the end also when `run` throws) with `syncRunId`, and one audit row per sync run
   * for the use of the secret.
   * @throws CrosswalkError `credential-not-proved` where there is none to use, `stopped-by-school`, `secret-unreadable`,
   *   `host-not-confirmed`, and whatever `run` throws
   */
  withSession<T>(
    ctx: Context,
    use: {
      readonly schoolId: string;
      readonly systemId: string;
      readonly purpose: CallRecord['purpose'];
      readonly syncRunId: string | null;
      readonly signal?: AbortSignal;
    },
    run: (connector: OpenConnector) => Promise<T>,
  ): Promise<T>;
  /**
   * A run was applied, at `at`: connections of the system that are `connecting` or `failing` go `live`, and each live one
   * notes when it last received data and how many records. Called once or, after a crash, again with the same run.
   */
  onSyncSucceeded(
    ctx: Context,
    outcome: {
      readonly schoolId: string;
      readonly systemId: string;
      readonly syncRunId: string;
      readonly records: number;
      readonly at: Date;
    },
  ): Promise<void>;
  /**
   * A run ended without data for good (retries are used up, or none makes sense). Disposition `reconnect`: the connections
   * go `failing` with `error.code` as cause and the turn to the technical contact; others: `failing` with the turn to
   * whoever can mend it. A run that is held for review is no failure.
   */
  onSyncFailed(
    ctx: Context,
    outcome: {
      readonly schoolId: string;
      readonly systemId: string;
      readonly syncRunId: string;
      readonly error: CrosswalkError;
      readonly at: Date;
    },
  ): Promise<void>;
  /** A run waits for a person's verdict: no failure, and what was received before stays. */
  onSyncHeld(ctx: Context, outcome: { readonly schoolId: string; readonly systemId: string }): Promise<void>;
}
