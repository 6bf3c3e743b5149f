import { z } from 'zod';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { connectorById } from '#server/connectors/registry.ts';
import { systemInSchool } from '#server/features/connections/load-rows.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';

/** Whether a system is asked for its data or hands packages in: it has another set of pages then. */
export const sourceOfSystem = defineVerb({
  name: 'packages.source',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({ schoolId: idSchema, systemId: idSchema }),
  async run({ tx, input: { schoolId, systemId } }) {
    const { connector } = await systemInSchool(tx, schoolId, systemId);
    return { source: connectorById(connector).source };
  },
});
