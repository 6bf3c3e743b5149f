import type { Outputs } from '#components/trpc/types.ts';

export type ConnectionPage = Outputs['connections']['page'];
