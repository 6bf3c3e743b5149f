import { createCallerFactory, router } from './init.ts';
import { connectionsRouter } from './routers/connections.ts';
import { peopleRouter } from './routers/people.ts';
import { syncRouter } from './routers/sync.ts';
import { systemsRouter } from './routers/systems.ts';

/** Every procedure of the product. A router file holds an input schema and one call per procedure, nothing else. */
export const appRouter = router({
  connections: connectionsRouter,
  people: peopleRouter,
  sync: syncRouter,
  systems: systemsRouter,
});

export type AppRouter = typeof appRouter;
export const createCaller = createCallerFactory(appRouter);
