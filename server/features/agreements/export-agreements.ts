import { stringify } from 'csv-stringify/sync';
import { asc, eq } from 'drizzle-orm';
import { strToU8, zipSync } from 'fflate';
import { z } from 'zod';
import { agreement, agreementMove, document, organisation, receipt, school, site } from '#db/schema/index.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { isOwnPaper } from './agreement-row.ts';
import { shownText } from './agreement-text.ts';

type Cell = string | number | boolean | null;

/** A table as CSV that a spreadsheet may open: what it would compute is preceded by an apostrophe (OWASP, CSV injection). */
export function asCsv(rows: readonly Readonly<Record<string, Cell>>[], columns: readonly string[]): string {
  return stringify([...rows], {
    header: true,
    columns: [...columns],
    escape_formulas: true,
    record_delimiter: 'windows',
    bom: true,
  });
}

const iso = (moment: Date | null) => moment?.toISOString() ?? null;

/**
 * All of a school's agreements to take along, as one zip (base64): each text as it was signed, tables as JSON and CSV, the
 * scans and attached documents, receipts. Its own administrators and signatories only.
 */
export const exportAgreements = defineVerb({
  name: 'agreements.export',
  kind: 'command',
  access: [{ school: ['school-administrator', 'signatory'] }],
  input: z.object({ schoolId: idSchema }),
  run: async ({ ctx, tx, input, audit }) => {
    const own = await tx.query.school.findFirst({ where: eq(school.id, input.schoolId) });
    if (own === undefined) throw new CrosswalkError('not-found');
    const rows = (
      await tx
        .select({ agreement, agentName: organisation.name })
        .from(agreement)
        .leftJoin(organisation, eq(organisation.id, agreement.agentId))
        .where(eq(agreement.schoolId, input.schoolId))
        .orderBy(asc(agreement.createdAt))
    ).filter((row) => !isOwnPaper(row.agreement));
    const agreements = rows.map(({ agreement: row, agentName }) => ({
      id: row.id,
      agent: agentName,
      state: row.state,
      term_start: row.termStart,
      term_end: row.termEnd,
      ends_on: row.endsOn,
      products: row.products.join(', '),
      price_note: row.priceNote,
      text_sha256: row.textHash,
      sent_at: iso(row.sentAt),
      signed_name: row.signedName,
      signed_at: iso(row.signedAt),
      signed_sha256: row.signedHash,
      signed_on_paper_on: row.paperSignedOn,
      countersigned_name: row.countersignedName,
      countersigned_at: iso(row.countersignedAt),
      in_force_at: iso(row.inForceAt),
      declined_by: row.declinedBy,
      declined_reason: row.declinedReason,
      notice_by: row.noticeBy,
      notice_reason: row.noticeReason,
      notice_at: iso(row.noticeAt),
      ended_at: iso(row.endedAt),
      grace_ended_at: iso(row.graceEndedAt),
    }));
    const receipts = (
      await tx.select().from(receipt).where(eq(receipt.schoolId, input.schoolId)).orderBy(asc(receipt.at))
    ).map((row) => ({
      id: row.id,
      kind: row.kind,
      subject_id: row.subjectId,
      reason: row.reason,
      at: row.at.toISOString(),
      facts: JSON.stringify(row.facts),
    }));
    const moves = (await tx.select().from(agreementMove).where(eq(agreementMove.schoolId, input.schoolId))).map(
      (row) => ({
        agreement_id: row.agreementId,
        reason: row.reason,
        proposed_at: row.proposedAt.toISOString(),
        answer: row.answer,
        answered_name: row.answeredName,
        answered_at: iso(row.answeredAt),
      }),
    );
    const sites = await tx
      .select({ name: site.name, register_number: site.registerNumber, place: site.place })
      .from(site)
      .where(eq(site.schoolId, input.schoolId));
    const kept = new Set(rows.flatMap(({ agreement: row }) => [row.attachmentDocumentId, row.scanDocumentId]));
    const documents = (await tx.select().from(document).where(eq(document.schoolId, input.schoolId))).filter((file) =>
      kept.has(file.id),
    );
    const { name, register, registerNumber, country, timeZone, trust } = own;
    const everything = {
      format: 'crosswalk-agreements',
      version: 1,
      exported_at: ctx.clock.now().toISOString(),
      school: {
        id: own.id,
        name,
        register,
        register_number: registerNumber,
        country,
        time_zone: timeZone,
        trust,
        sites,
      },
      agreements,
      moves,
      receipts: receipts.map((row) => ({ ...row, facts: JSON.parse(row.facts) })),
      documents: documents.map(({ id, kind, fileName, sha256 }) => ({ id, kind, file_name: fileName, sha256 })),
    };
    const columnsOf = (row: object | undefined, fallback: readonly string[]) =>
      row === undefined ? fallback : Object.keys(row);
    const zip = zipSync(
      {
        'agreements.json': strToU8(`${JSON.stringify(everything, null, 2)}\n`),
        'agreements.csv': strToU8(asCsv(agreements, columnsOf(agreements[0], ['id']))),
        'receipts.csv': strToU8(asCsv(receipts, columnsOf(receipts[0], ['id']))),
        ...Object.fromEntries(rows.map(({ agreement: row }) => [`texts/${row.id}.txt`, strToU8(shownText(row))])),
        ...Object.fromEntries(
          documents.map((file) => [`documents/${file.id}-${file.fileName}`, new Uint8Array(file.bytes)]),
        ),
      },
      { level: 6, mtime: ctx.clock.now() },
    );
    audit({
      action: 'agreements.exported',
      subjectKind: 'school',
      subjectId: own.id,
      details: { agreements: agreements.length, documents: documents.length },
    });
    return {
      fileName: `agreements-${ctx.clock.now().toISOString().slice(0, 10)}.zip`,
      base64: Buffer.from(zip).toString('base64'),
    };
  },
});
