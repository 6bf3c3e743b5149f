import { createCallerFactory, router } from './init.ts';
import { peopleRouter } from './routers/people.ts';

/** Every procedure of the product. A router file holds an input schema and one call per procedure, nothing else. */
export const appRouter = router({
  people: peopleRouter,
});

export type AppRouter = typeof appRouter;
export const createCaller = createCallerFactory(appRouter);
