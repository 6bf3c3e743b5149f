import { z } from 'zod';
import { foldDomain, isPublicMailDomain } from '#server/features/schools/mail-domain.ts';
import { isCountry, lineSchema } from '#server/features/schools/school-details.ts';

/** A mail domain of an agent. One where anybody gets an address cannot be an agent's: it would refuse half of all schools. */
const domainSchema = z
  .string()
  .max(300)
  .transform((text, check) => {
    const domain = foldDomain(text);
    if (domain === null || isPublicMailDomain(domain)) {
      check.addIssue({ code: 'custom' });
      return z.NEVER;
    }
    return domain;
  });

/** What the operator enters of an agent. */
export const agentDetailsSchema = z.object({
  name: lineSchema(200).refine((name) => name.length > 0),
  country: z.string().trim().toUpperCase().refine(isCountry),
  emailDomains: z.array(domainSchema).max(50),
  mayCountersign: z.boolean().default(false),
});
