import { and, eq, inArray, sql } from 'drizzle-orm';
import { z } from 'zod';
import { replacementLink } from '#db/schema/index.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { linkedCollections, lockReplacement } from './load-replacement.ts';

const pairSchema = z.object({ oldId: idSchema, newId: idSchema });

/**
 * Somebody's yes or no to links, proposed or confirmed before; a rejected one is not proposed again. All or none.
 * @throws CrosswalkError `not-found`, `state-forbids`; `changed-meanwhile` where one of them is no longer there
 */
export const decideLinks = defineVerb({
  name: 'replacement.decide-links',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({
    schoolId: idSchema,
    replacementId: idSchema,
    pairs: z.array(pairSchema).min(1).max(200),
    decision: z.enum(['confirm', 'reject']),
  }),
  run: async ({ tx, audit, input }) => {
    const row = await lockReplacement(tx, input, 'reviewing');
    const pairs = new Map(input.pairs.map(({ oldId, newId }) => [oldId, newId]));
    const found = await tx
      .select({ oldId: replacementLink.oldId, newId: replacementLink.newId })
      .from(replacementLink)
      .where(
        and(
          eq(replacementLink.schoolId, input.schoolId),
          eq(replacementLink.replacementId, row.id),
          eq(replacementLink.rejected, false),
          inArray(replacementLink.oldId, [...pairs.keys()]),
        ),
      );
    if (found.filter(({ oldId, newId }) => pairs.get(oldId) === newId).length < input.pairs.length) {
      throw new CrosswalkError('changed-meanwhile');
    }
    const confirm = input.decision === 'confirm';
    await tx
      .update(replacementLink)
      .set({ confirmed: confirm, rejected: !confirm })
      .where(
        and(
          eq(replacementLink.schoolId, input.schoolId),
          eq(replacementLink.replacementId, row.id),
          eq(replacementLink.rejected, false),
          inArray(replacementLink.oldId, [...pairs.keys()]),
        ),
      );
    audit({
      action: confirm ? 'replacement.links-confirmed' : 'replacement.links-rejected',
      subjectKind: 'system',
      subjectId: row.oldSystemId,
      details: { replacementId: row.id, links: pairs.size },
    });
    return { decided: pairs.size };
  },
});

/**
 * A yes to all proposed groups and classes at once: a wrong one is seen in the review and rejected before. People are never confirmed so.
 * @throws CrosswalkError `not-found`, `state-forbids`; `changed-meanwhile` where there are others than were shown
 */
export const confirmGroups = defineVerb({
  name: 'replacement.confirm-groups',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({ schoolId: idSchema, replacementId: idSchema, shown: z.int().min(1) }),
  run: async ({ tx, audit, input }) => {
    const row = await lockReplacement(tx, input, 'reviewing');
    const confirmed = await tx
      .update(replacementLink)
      .set({ confirmed: true })
      .where(
        and(
          eq(replacementLink.schoolId, input.schoolId),
          eq(replacementLink.replacementId, row.id),
          eq(replacementLink.collection, 'groups'),
          eq(replacementLink.confirmed, false),
          eq(replacementLink.rejected, false),
        ),
      )
      .returning({ one: sql<number>`1` });
    if (confirmed.length !== input.shown) throw new CrosswalkError('changed-meanwhile');
    audit({
      action: 'replacement.links-confirmed',
      subjectKind: 'system',
      subjectId: row.oldSystemId,
      details: { replacementId: row.id, links: confirmed.length, collection: 'groups' },
    });
    return { decided: confirmed.length };
  },
});

const tableOf = { people: 'roster_person', groups: 'roster_group' } as const;
const flag = z.array(z.object({ old: z.boolean(), new: z.boolean() }));

/**
 * Links somebody whom nothing linked, by hand. What either of the two was proposed with before is rejected by it.
 * @throws CrosswalkError `not-found` where one of them is not of its system; `already-decided` where one of them is linked and confirmed
 */
export const linkByHand = defineVerb({
  name: 'replacement.link-by-hand',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({
    schoolId: idSchema,
    replacementId: idSchema,
    collection: z.enum(linkedCollections),
    oldId: idSchema,
    newId: idSchema,
  }),
  run: async ({ tx, audit, input }) => {
    const { schoolId, collection, oldId, newId } = input;
    const row = await lockReplacement(tx, input, 'reviewing');
    const table = sql.raw(tableOf[collection]);
    const there = (id: string, systemId: string) => sql`exists (
      select 1 from ${table} where school_id = ${schoolId}::uuid and system_id = ${systemId}::uuid and id = ${id}::uuid and gone_at is null)`;
    const [both] = flag.parse(
      await tx.execute(sql`select ${there(oldId, row.oldSystemId)} as old, ${there(newId, row.newSystemId)} as new`),
    );
    if (both === undefined || !both.old || !both.new) throw new CrosswalkError('not-found');
    const eitherOf = sql`${replacementLink.schoolId} = ${schoolId} and ${replacementLink.replacementId} = ${row.id}
      and not ${replacementLink.rejected} and (${replacementLink.oldId} = ${oldId} or ${replacementLink.newId} = ${newId})`;
    const [linked] = await tx
      .select({ oldId: replacementLink.oldId })
      .from(replacementLink)
      .where(sql`${eitherOf} and ${replacementLink.confirmed}`);
    if (linked !== undefined) throw new CrosswalkError('already-decided');
    await tx.update(replacementLink).set({ rejected: true }).where(eitherOf);
    const chosen = { found: 'by-hand' as const, confirmed: true, rejected: false };
    await tx
      .insert(replacementLink)
      .values({ schoolId, replacementId: row.id, collection, oldId, newId, ...chosen })
      .onConflictDoUpdate({
        target: [replacementLink.replacementId, replacementLink.oldId, replacementLink.newId],
        set: chosen,
      });
    audit({
      action: 'replacement.linked-by-hand',
      subjectKind: 'system',
      subjectId: row.oldSystemId,
      details: { replacementId: row.id, collection, oldId, newId },
    });
    return { oldId, newId };
  },
});
