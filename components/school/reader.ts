import 'server-only';
import { forbidden } from 'next/navigation';
import { cache } from 'react';
import { signedInPerson } from '#components/shell/portal-frame.tsx';
import type { SchoolRole } from '#db/schema/vocabulary.ts';
import { schoolRoles } from '#db/schema/vocabulary.ts';

/** Who looks at a school's page, as far as the page draws by it. What he may do is decided behind the procedures. */
export interface Reader {
  readonly name: string;
  readonly schoolName: string;
  readonly roles: readonly SchoolRole[];
}

const isSchoolRole = (role: string): role is SchoolRole => schoolRoles.some((candidate) => candidate === role);

/** The reader of a page of this school; somebody without a role there gets the page that says so. */
export const readerOf = cache(async (schoolId: string): Promise<Reader> => {
  const person = await signedInPerson(`/school/${schoolId}`);
  const here = person.organisations.find(({ organisationId }) => organisationId === schoolId);
  if (here === undefined) forbidden();
  return {
    name: person.name,
    schoolName: here.name,
    roles: [...new Set(here.roles.map(({ role }) => role).filter(isSchoolRole))],
  };
});
