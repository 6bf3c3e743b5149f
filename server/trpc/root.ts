import { createCallerFactory, router } from './init.ts';

/** Every procedure of the product. A router file holds an input schema and one call per procedure, nothing else. */
export const appRouter = router({});

export type AppRouter = typeof appRouter;
export const createCaller = createCallerFactory(appRouter);
