import { createCallerFactory, router } from './init.ts';
import { agreementsRouter } from './routers/agreements.ts';
import { connectionsRouter } from './routers/connections.ts';
import { consumersRouter } from './routers/consumers.ts';
import { dataRouter } from './routers/data.ts';
import { operationsRouter } from './routers/operations.ts';
import { organisationsRouter } from './routers/organisations.ts';
import { packagesRouter } from './routers/packages.ts';
import { peopleRouter } from './routers/people.ts';
import { pushRouter } from './routers/push.ts';
import { replaceSystemRouter } from './routers/replace-system.ts';
import { schoolsRouter } from './routers/schools.ts';
import { streamsRouter } from './routers/streams.ts';
import { syncRouter } from './routers/sync.ts';
import { syncSettingsRouter } from './routers/sync-settings.ts';
import { systemsRouter } from './routers/systems.ts';
import { withheldRouter } from './routers/withheld.ts';

/** Every procedure of the product. A router file holds an input schema and one call per procedure, nothing else. */
export const appRouter = router({
  agreements: agreementsRouter,
  connections: connectionsRouter,
  consumers: consumersRouter,
  data: dataRouter,
  operations: operationsRouter,
  organisations: organisationsRouter,
  packages: packagesRouter,
  people: peopleRouter,
  push: pushRouter,
  replaceSystem: replaceSystemRouter,
  schools: schoolsRouter,
  streams: streamsRouter,
  sync: syncRouter,
  syncSettings: syncSettingsRouter,
  systems: systemsRouter,
  withheld: withheldRouter,
});

export type AppRouter = typeof appRouter;
export const createCaller = createCallerFactory(appRouter);
