import { conformanceSuite } from './conformance.suite.ts';
import { embeddedTarget, serverTarget } from './fixtures/worker-process.ts';

conformanceSuite(embeddedTarget());

// `INNGEST_BASE_URL=… INNGEST_SIGNING_KEY=… INNGEST_EVENT_KEY=… npx vitest run --project faults server/jobs`
const server = serverTarget(process.env);
if (server !== null) conformanceSuite(server);
