import { stringify } from 'csv-stringify/sync';
import { z } from 'zod';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { seesPeople } from '#server/features/roster-browser/who-sees-people.ts';
import { spreadsheetSafe } from '#server/kernel/spreadsheet-safe.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { getRunInSchool } from './load-run.ts';
import { readSetAside, setAsideFields } from './set-aside-rows.ts';

/** Lines of one file: what a spreadsheet still opens. */
const mostLines = 100_000;

/** The records that a run set aside as a CSV file (RFC 4180, formula-like text neutralised), to put them right in the system. */
export const exportSetAside = defineVerb({
  name: 'sync.export-set-aside',
  kind: 'command',
  access: [{ school: schoolRoles }],
  input: z.object(setAsideFields),
  run: async ({ input, party, tx, audit }) => {
    const run = await getRunInSchool(tx, input.schoolId, input.syncRunId);
    const rows = await readSetAside(tx, input, { seesPeople: seesPeople(party), limit: mostLines });
    audit({
      action: 'sync.set-aside-exported',
      subjectKind: 'sync-run',
      subjectId: run.id,
      details: { systemId: run.systemId, lines: rows.length },
    });
    const columns = ['collection', 'sourceId', 'file', 'line', 'field', 'reason'];
    return {
      fileName: `set-aside-${run.createdAt.toISOString().slice(0, 10)}.csv`,
      contentType: 'text/csv; charset=utf-8',
      body: stringify(rows, {
        header: true,
        columns,
        bom: true,
        cast: { string: spreadsheetSafe },
        record_delimiter: 'windows',
      }),
    };
  },
});
