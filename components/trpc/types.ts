import type { inferRouterOutputs } from '@trpc/server';
import type { AppRouter } from '#server/trpc/root.ts';

/** What each procedure answers, for components that show it. */
export type Outputs = inferRouterOutputs<AppRouter>;
