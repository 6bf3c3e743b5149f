import { CsvError, parse } from 'csv-parse/sync';
import { eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import { registerEntry, school } from '#db/schema/index.ts';
import { registers } from '#db/schema/vocabulary.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { defineLongVerb } from '#server/kernel/verb.ts';
import { considerTrust } from './consider-trust.ts';
import { bytesOfList } from './list-input.ts';
import { foldDomain, isPublicMailDomain } from './mail-domain.ts';
import { lineSchema, registerNumberSchema } from './school-details.ts';

/** A register of a country: some 10 MB. */
const registerMaxBytes = 20 * 1024 * 1024;
const csvRows = z.array(z.record(z.string(), z.string()));
const rowSchema = z.object({
  number: registerNumberSchema,
  name: lineSchema(300).refine((name) => name.length > 0),
  domain: z.string().max(300).default(''),
});
const schoolsSchema = z.array(z.object({ id: z.uuid(), domain: z.string() }));

/**
 * The operator imports what an official register says: `number,name,domain` (mail or web address). Schools aboard whose
 * people prove that domain are trusted by it. A domain where anybody gets an address is left out, and counted.
 */
export const importRegister = defineLongVerb({
  name: 'schools.import-register',
  kind: 'command',
  access: [{ operator: true }],
  input: z.object({
    register: z.enum(registers),
    file: z.string().max(Math.ceil(registerMaxBytes / 3) * 4),
  }),
  run: async ({ ctx, input, transact }) => {
    let records: Record<string, string>[];
    try {
      const text = new TextDecoder('utf-8', { fatal: true }).decode(bytesOfList(input.file));
      const delimiter = (/^[^\r\n]*/.exec(text)?.[0] ?? '').includes(';') ? ';' : ',';
      records = csvRows.parse(
        parse(text, {
          columns: (header: string[]) => header.map((name) => name.trim().toLowerCase()),
          delimiter,
          bom: true,
          skip_empty_lines: true,
          relax_column_count: true,
        }),
      );
    } catch (error) {
      if (error instanceof CsvError || error instanceof TypeError) {
        throw new CrosswalkError('list-unreadable', { details: { problem: 'quotes' }, cause: error });
      }
      throw error;
    }
    const now = ctx.clock.now();
    let [leftOut, publicDomains] = [0, 0];
    const entries = new Map<string, typeof registerEntry.$inferInsert>();
    for (const record of records) {
      const parsed = rowSchema.safeParse(record);
      if (!parsed.success) {
        leftOut += 1;
        continue;
      }
      const folded = foldDomain(parsed.data.domain);
      const domain = folded !== null && isPublicMailDomain(folded) ? null : folded;
      if (domain !== folded) publicDomains += 1;
      const { number: registerNumber, name } = parsed.data;
      entries.set(registerNumber, { register: input.register, registerNumber, name, domain, importedAt: now });
    }
    if (entries.size === 0) throw new CrosswalkError('list-unreadable', { details: { problem: 'no-rows' } });
    const all = [...entries.values()];
    const changed = await transact(async ({ tx, audit }) => {
      for (let at = 0; at < all.length; at += 1000) {
        await tx
          .insert(registerEntry)
          .values(all.slice(at, at + 1000))
          .onConflictDoUpdate({
            target: [registerEntry.register, registerEntry.registerNumber],
            set: { name: sql`excluded.name`, domain: sql`excluded.domain`, importedAt: sql`excluded.imported_at` },
          });
      }
      audit({
        action: 'schools.register-imported',
        subjectKind: 'register',
        subjectId: null,
        details: { register: input.register, entries: all.length, leftOut, publicDomains },
      });
      return schoolsSchema.parse(
        await tx.execute(sql`select school_id as id, domain from across.schools_with_another_register_domain()`),
      );
    }, {});
    for (const { id, domain } of changed) {
      await transact(
        async (work) => {
          await work.tx.update(school).set({ registerDomain: domain }).where(eq(school.id, id));
          work.audit({
            action: 'schools.register-domain-set',
            subjectKind: 'school',
            subjectId: id,
            details: { domain },
          });
          await considerTrust(work, id);
        },
        { schoolId: id },
      );
    }
    return { entries: all.length, leftOut, publicDomains, schoolsChanged: changed.length };
  },
});
