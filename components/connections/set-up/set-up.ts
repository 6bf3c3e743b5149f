import type { Outputs } from '#components/trpc/types.ts';

/** A system as its set-up pages show it, to the school and to the holder of a link alike. */
export type SetUp = Outputs['systems']['setUpPage']['system'];
export type HeldCredential = Outputs['systems']['page']['credentials'][number];

export interface SetUpPart {
  readonly schoolId: string;
  readonly system: SetUp;
  /** Reads the page again. */
  readonly onChange: () => Promise<unknown>;
}
