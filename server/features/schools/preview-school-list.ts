import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { prospect } from '#db/schema/index.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { bytesOfList, listFileSchema } from './list-input.ts';
import { parseSchoolList } from './parse-school-list.ts';

/** What an import of this list would do: schools to add, those that the agent has already, and every error by line and column. Changes nothing. */
export const previewSchoolList = defineVerb({
  name: 'schools.preview-list',
  // A file does not fit into the address of a query.
  kind: 'command',
  unaudited: 'reads only',
  access: [{ agent: ['agent', 'agent-administrator'] }],
  input: z.object({ agentId: idSchema, file: listFileSchema }),
  run: async ({ tx, input }) => {
    const parsed = parseSchoolList(bytesOfList(input.file));
    const own = await tx
      .select({ register: prospect.register, number: prospect.registerNumber, archivedAt: prospect.archivedAt })
      .from(prospect)
      .where(eq(prospect.agentId, input.agentId));
    const known = new Set(own.filter((row) => row.archivedAt === null).map((row) => `${row.register} ${row.number}`));
    const rows = parsed.rows.map(({ line, details }) => ({
      line,
      name: details.name,
      register: details.register,
      registerNumber: details.registerNumber,
      country: details.country,
      sites: details.sites.length,
      contacts: details.contacts.length,
      known: known.has(`${details.register} ${details.registerNumber}`),
    }));
    return { rows, errors: parsed.errors, unknownColumns: parsed.unknownColumns };
  },
});
