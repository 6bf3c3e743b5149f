import type { Work } from '#server/kernel/verb.ts';

export interface AgreementEvent {
  /** The open transaction, in the school's scope: what a listener writes happens together with the agreement's change. */
  readonly work: Work;
  readonly schoolId: string;
  readonly agreementId: string;
  /** The last day of the grace, in the school's time zone (`yyyy-mm-dd`); null where none runs. */
  readonly graceEndsOn: string | null;
}

/**
 * What an agreement does to connections. All three are called inside the agreement's own transaction and must be
 * idempotent. A school's connections live while *any* of its agreements is in force (DESIGN.md §2), so these speak of
 * the school, not of one agreement.
 */
export interface AgreementListener {
  /** One came into force: what was paused as `agreement-ended` may go on. Called at every agreement. */
  onAgreementInForce(event: AgreementEvent): Promise<void>;
  /** The last one in force ended: connections pause as `agreement-ended`, open requests lapse. */
  onAgreementEnded(event: AgreementEvent): Promise<void>;
  /** The grace after that is over and no other came: connections expire. */
  onAgreementGraceEnded(event: AgreementEvent): Promise<void>;
}
