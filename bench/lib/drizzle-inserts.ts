import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Database } from '#db/client.ts';
import { rosterEnrolment } from '#db/schema/index.ts';

const rowByRowSample = 2_000;
const multiRowSample = 20_000;
const perStatement = 1_000;
const idRows = z.array(z.object({ id: z.uuid() }));

/** Rows a second through the ORM, one insert each and a thousand in one, of the largest collection, in one transaction that is taken back. */
export async function measureDrizzle({
  sync,
  school,
}: {
  sync: Database;
  school: { schoolId: string; systemId: string };
}): Promise<{ rowByRow: number; multiRow: number }> {
  const timed = async (count: number, size: number): Promise<number> => {
    let elapsed = 0;
    class Undo extends Error {}
    await sync
      .withSchool(school.schoolId, async (tx) => {
        const [person] = idRows.parse(
          await tx.execute(sql`select id from roster_person where system_id = ${school.systemId} limit 1`),
        );
        const [group] = idRows.parse(
          await tx.execute(sql`select id from roster_group where system_id = ${school.systemId} limit 1`),
        );
        const rows = Array.from({ length: count }, (_, n) => ({
          ...school,
          sourceId: `drizzle-${count}-${n}`,
          contentHash: 1n,
          firstSeenAt: new Date(),
          groupId: group?.id ?? '',
          personId: person?.id ?? '',
          role: 'student',
        }));
        const started = performance.now();
        for (let from = 0; from < count; from += size) {
          await tx.insert(rosterEnrolment).values(rows.slice(from, from + size));
        }
        elapsed = (performance.now() - started) / 1000;
        throw new Undo();
      })
      .catch((error: unknown) => {
        if (!(error instanceof Undo)) throw error;
      });
    return count / elapsed;
  };
  await timed(200, 1);
  return { rowByRow: await timed(rowByRowSample, 1), multiRow: await timed(multiRowSample, perStatement) };
}
