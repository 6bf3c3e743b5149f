import { and, desc, eq, isNull, or } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { agreementTemplate, document, organisation } from '#db/schema/index.ts';
import { translate } from '#messages/translate.ts';
import { emailSchema } from '#server/features/people/email-address.ts';
import { lineSchema, textSchema } from '#server/features/schools/school-details.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema, newId } from '#server/kernel/ids.ts';
import { type AgreementParts, fillIn } from './agreement-text.ts';
import { fileSchema, readDocumentFile } from './document-file.ts';

const daySchema = z.iso.date();

/** What is agreed besides the template. */
export const agreementTermsSchema = z.object({
  templateId: idSchema,
  termStart: daySchema,
  termEnd: daySchema,
  /** Product names, or the one word `all`. */
  products: z.union([
    z.literal('all'),
    z
      .array(lineSchema(120).refine((name) => name.length > 0))
      .min(1)
      .max(100),
  ]),
  priceNote: textSchema(2000).default(''),
  /** In place of the template's own. */
  dataProcessingTerms: textSchema(100_000).optional(),
  graceDays: z.number().int().min(0).max(365).default(30),
  signatoryName: lineSchema(120).refine((name) => name.length > 0),
  signatoryEmail: emailSchema,
  /** A document to go with it; null takes one away, undefined leaves what is there. */
  attachment: fileSchema.nullable().optional(),
});
export type AgreementTerms = z.output<typeof agreementTermsSchema>;

/** `invalid-input` naming the fields, for what one field alone does not show. */
export function refuseImpossibleTerm(terms: { termStart: string; termEnd: string }): void {
  if (terms.termEnd <= terms.termStart) throw new CrosswalkError('invalid-input', { details: { fields: ['termEnd'] } });
}

/** A template that the agent in scope (or the operator) may use now: `not-found` otherwise. */
export async function usableTemplate(tx: Tx, templateId: string, agentId: string | null) {
  const row = await tx.query.agreementTemplate.findFirst({
    where: and(
      eq(agreementTemplate.id, templateId),
      isNull(agreementTemplate.retiredAt),
      agentId === null
        ? isNull(agreementTemplate.agentId)
        : or(isNull(agreementTemplate.agentId), eq(agreementTemplate.agentId, agentId)),
    ),
  });
  if (row === undefined) throw new CrosswalkError('not-found', { details: { fields: ['templateId'] } });
  return row;
}

/** The operator's standard agreement: the latest template that was made the standard. `no-standard-agreement`. */
export async function standardTemplate(tx: Tx) {
  const [row] = await tx
    .select()
    .from(agreementTemplate)
    .where(and(isNull(agreementTemplate.agentId), isNull(agreementTemplate.retiredAt)))
    .orderBy(desc(agreementTemplate.standardSince))
    .limit(50)
    .then((rows) => rows.filter((template) => template.standardSince !== null));
  if (row === undefined) throw new CrosswalkError('no-standard-agreement');
  return row;
}

/** Keeps a file with the school. In the school's scope. */
export async function keepDocument(
  tx: Tx,
  order: {
    schoolId: string;
    kind: (typeof document.$inferSelect)['kind'];
    file: z.output<typeof fileSchema>;
    uploadedBy: string;
    at: Date;
  },
): Promise<{ documentId: string; fileName: string; sha256: string }> {
  const { fileName, contentType, sha256, bytes } = readDocumentFile(order.file);
  const documentId = newId();
  const { schoolId, kind, uploadedBy, at } = order;
  await tx
    .insert(document)
    .values({ id: documentId, schoolId, kind, fileName, contentType, sha256, bytes, uploadedBy, createdAt: at });
  return { documentId, fileName, sha256 };
}

export interface Parties {
  readonly school: string;
  readonly register: string;
  readonly registerNumber: string;
  readonly country: string;
  /** Null for the operator's own agreement. */
  readonly agent: string | null;
}

export async function marketplaceName(tx: Tx): Promise<string> {
  const operator = await tx.query.organisation.findFirst({ where: eq(organisation.kind, 'operator') });
  return operator?.name ?? 'Crosswalk';
}

/**
 * The agreement's text: what was agreed in particular stands first whatever the template says, then the template's body
 * with its placeholders filled, then the data-processing terms.
 */
export function composeAgreement(order: {
  readonly locale: string;
  readonly template: AgreementParts;
  readonly terms: Pick<AgreementTerms, 'termStart' | 'termEnd' | 'products' | 'priceNote' | 'graceDays'>;
  readonly parties: Parties;
  readonly marketplace: string;
  readonly attachment: { fileName: string; sha256: string } | null;
}): AgreementParts {
  const { locale, template, terms, parties, marketplace, attachment } = order;
  const say = (key: string, values?: Record<string, string | number>) =>
    translate(locale, `agreements.text.${key}`, values);
  const products = terms.products === 'all' ? say('allProducts') : terms.products.join(', ');
  const values = {
    school: parties.school,
    register: parties.register,
    register_number: parties.registerNumber,
    country: parties.country,
    agent: parties.agent ?? marketplace,
    marketplace,
    term_start: terms.termStart,
    term_end: terms.termEnd,
    products,
    price_note: terms.priceNote === '' ? say('noPrice') : terms.priceNote,
    grace_days: String(terms.graceDays),
  };
  const particulars = [
    say('school', { name: parties.school, register: parties.register, number: parties.registerNumber }),
    say('marketplace', { name: marketplace }),
    ...(parties.agent === null ? [] : [say('agent', { name: parties.agent })]),
    say('term', { start: terms.termStart, end: terms.termEnd }),
    say('products', { products }),
    ...(terms.priceNote === '' ? [] : [say('price', { price: terms.priceNote })]),
    say('grace', { days: terms.graceDays }),
    ...(attachment === null ? [] : [say('attachment', { name: attachment.fileName, hash: attachment.sha256 })]),
  ];
  return {
    body: `${particulars.join('\n')}\n\n${fillIn(template.body, values)}`,
    dataProcessingTerms: fillIn(template.dataProcessingTerms, values),
  };
}
