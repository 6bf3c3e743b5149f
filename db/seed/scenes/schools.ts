import type { Register, SchoolRole } from '#db/schema/vocabulary.ts';
import { countersignAgreement } from '#server/features/agreements/countersign-agreement.ts';
import { drawUpAgreement } from '#server/features/agreements/draw-up-agreement.ts';
import { sendAgreement } from '#server/features/agreements/send-agreement.ts';
import { signAgreement } from '#server/features/agreements/sign-agreement.ts';
import { viewAgreement } from '#server/features/agreements/view-agreement.ts';
import { changeSchoolRoles } from '#server/features/people/change-school-roles.ts';
import { inviteSchoolMember } from '#server/features/people/invite-school-member.ts';
import { whoAmI } from '#server/features/people/who-am-i.ts';
import { addSchool } from '#server/features/schools/add-school.ts';
import { reviewTrust } from '#server/features/schools/review-trust.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import type { Cast } from '../persons.ts';
import type { Marketplace } from './marketplace.ts';

export interface Agency extends Marketplace {
  readonly agentId: string;
  readonly agent: string;
  readonly administrator: string;
}

interface Person {
  readonly name: string;
  readonly email: string;
}

interface SchoolFacts {
  readonly name: string;
  readonly register: Register;
  readonly registerNumber: string;
  readonly country: string;
  readonly timeZone: string;
  readonly sites: readonly string[];
}

const detailsOf = ({ sites, ...facts }: SchoolFacts) => ({
  ...facts,
  sites: sites.map((name) => ({ name, registerNumber: '', place: '' })),
});

/** A school as a prospect: known to the agent, nothing sent. */
export async function addProspect(
  cast: Cast,
  agency: Agency,
  prospect: SchoolFacts & { contact: Person },
): Promise<void> {
  const { contact, ...facts } = prospect;
  await addSchool({
    ctx: await cast.as(agency.agent),
    input: {
      agentId: agency.agentId,
      ...detailsOf(facts),
      contacts: [{ ...contact, role: 'Assistant superintendent', phone: '' }],
    },
  });
}

export interface Aboard {
  readonly schoolId: string;
  readonly agreementId: string;
  /** The signatory, who is the first administrator. */
  readonly administrator: string;
}

/** From prospect to an agreement in force: drawn up, sent, signed, trusted by review, countersigned. `alone`: one person holds every role. */
export async function comeAboard(
  cast: Cast,
  agency: Agency,
  school: SchoolFacts & { signatory: Person; alone: boolean },
): Promise<Aboard> {
  const { signatory, alone, ...facts } = school;
  const { agentId } = agency;
  const { schoolId } = await addSchool({
    ctx: await cast.as(agency.agent),
    input: { agentId, ...detailsOf(facts), contacts: [{ ...signatory, role: 'Head', phone: '' }] },
  });
  const today = cast.anonymous().clock.now();
  const { agreementId } = await drawUpAgreement({
    ctx: await cast.as(agency.agent),
    input: {
      agentId,
      schoolId,
      templateId: agency.templateId,
      termStart: today.toISOString().slice(0, 10),
      termEnd: `${today.getUTCFullYear() + 1}-07-31`,
      products: 'all',
      priceNote: 'Included in the subscription',
      signatoryName: signatory.name,
      signatoryEmail: signatory.email,
    },
  });
  await sendAgreement({ ctx: await cast.as(agency.agent), input: { agentId, schoolId, agreementId } });
  await cast.acceptInvitation(signatory.email, signatory.name);

  const ctx = await cast.as(signatory.email);
  const me = await whoAmI({ ctx, input: {} });
  if (me === null) throw new CrosswalkError('not-signed-in');
  await reviewTrust({
    ctx: await cast.as(agency.operator),
    input: { schoolId, decision: 'trust', userIds: [me.userId], note: 'Called back on the number in the register' },
  });
  const { textHash } = await viewAgreement({ ctx, input: { schoolId, agreementId } });
  await signAgreement({ ctx, input: { schoolId, agreementId, textHash, name: signatory.name } });
  await countersignAgreement({
    ctx: await cast.as(agency.administrator),
    input: { agentId, schoolId, agreementId, textHash },
  });
  if (alone) {
    await changeSchoolRoles({
      ctx,
      input: {
        schoolId,
        userId: me.userId,
        roles: ['school-administrator', 'signatory', 'approver', 'technical-contact'],
      },
    });
  }
  return { schoolId, agreementId, administrator: signatory.email };
}

/** A colleague joins the school by invitation. */
export async function joinSchool(cast: Cast, { schoolId, administrator }: Aboard, person: Person, roles: SchoolRole[]) {
  await inviteSchoolMember({ ctx: await cast.as(administrator), input: { schoolId, ...person, roles } });
  await cast.acceptInvitation(person.email, person.name);
}
