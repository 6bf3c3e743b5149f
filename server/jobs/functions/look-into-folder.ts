import { type JobClient, on } from '../client.ts';
import type { JobPorts } from '../ports.ts';

/** Packages of one look; what is left over is there at the next. */
const mostRounds = 20;

/** Looks into one folder, a package at a time; where a file may still be growing, once more a minute later. */
export const lookIntoFolder = (client: JobClient, ports: Pick<JobPorts, 'packages'>) =>
  client.createFunction(
    {
      id: 'look-into-folder',
      triggers: [on('packages/look-requested')],
      concurrency: [{ limit: 1, key: 'event.data.systemId' }, { limit: 4 }],
      retries: 2,
    },
    async ({ event, step, runId }) => {
      const { schoolId, systemId } = event.data;
      let hasWaited = false;
      for (let round = 0; round < mostRounds; round++) {
        const looked = await step.run(`look-${round}`, () => ports.packages.look({ schoolId, systemId, runId }));
        if (looked.more) continue;
        if (looked.growing === 0 || hasWaited) return;
        hasWaited = true;
        await step.sleep('settle', '60s');
      }
    },
  );
