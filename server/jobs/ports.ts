import type { AgreementWork } from '#server/features/agreements/agreement-work.ts';
import type { ConnectionWork } from '#server/features/connections/connection-work.ts';
import type { PackagesWork } from '#server/features/packages/packages-work.ts';
import type { PushWork } from '#server/features/push/push-work.ts';
import type { ReplacementWork } from '#server/features/replace-system/replacement-work.ts';
import type { SyncWork } from '#server/features/sync/sync-work.ts';

/**
 * What the functions call: one method per piece of work, taking ids. `server/jobs/product-ports.ts` fills it with features, tests
 * with recorders. `runId` names the acting job in audit rows.
 */
export interface JobPorts {
  /** Sends one mail of table `mail`; sending one that was sent already does nothing. */
  deliverMail(work: { mailId: string; schoolId: string | null; runId: string }): Promise<void>;
  /** Notes that the whole chain from cron to handler works. */
  recordPulse(): Promise<void>;
  /** The steps of a sync (server/features/sync/sync-work.ts). */
  readonly sync: SyncWork;
  /** The steps of a push (server/features/push/push-work.ts). */
  readonly push: PushWork;
  /** The steps of the jobs about packages (server/features/packages/packages-work.ts). */
  readonly packages: PackagesWork;
  /** The steps of a replacement's job (server/features/replace-system/replacement-work.ts). */
  readonly replacements: ReplacementWork;
  /** The steps of connections' jobs (server/features/connections/connection-work.ts). */
  readonly connections: ConnectionWork;
  /** The steps of the agreements' job (server/features/agreements/agreement-work.ts). */
  readonly agreements: AgreementWork;
  /** Signs the audit chains' heads (server/features/operations/sign-audit-heads.ts). */
  readonly operations: {
    signAuditHeads(work: { runId: string }): Promise<{ written: number; broken: number; badLines: number }>;
  };
  /** Forgets what signing in leaves behind (server/features/people/sweep-sign-in.ts). */
  readonly people: {
    sweepSignIn(work: { runId: string }): Promise<{ throttles: number; sessions: number; links: number }>;
  };
}
