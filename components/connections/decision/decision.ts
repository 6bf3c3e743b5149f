import type { Outputs } from '#components/trpc/types.ts';

export type Decision = Outputs['connections']['decisionPage'];

/** What the approver has set on the page. */
export interface Choice {
  readonly sites: readonly string[];
  readonly withoutScopes: readonly Decision['scopes'][number]['scope'][];
  /** Single fields that are left out, `scope:field`. */
  readonly withoutFields: readonly string[];
  readonly streams: readonly string[];
  readonly subjects: readonly string[];
  readonly hostConfirmed: boolean;
}
