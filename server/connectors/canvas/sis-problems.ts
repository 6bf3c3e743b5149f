import type { PackageProblem, PushEntity, PushProblem } from '#server/connectors/push-contract.ts';
import { pushEntities } from '#server/connectors/push-contract.ts';
import { fileOf } from './sis-rows.ts';
import type { SisError } from './wire.ts';

/** How the messages of an import are to be read. */
export interface ReadingOfErrors {
  /** Whether Canvas numbered the lines of our file: a compared import numbers those of a file that it made itself. */
  readonly isNumberedByUs: boolean;
  /** The import of what goes: who is not there any more need not go. */
  readonly isRemoval: boolean;
}

interface Kind {
  readonly says: RegExp;
  readonly problem: PushProblem;
  readonly isTaken?: true;
}

/** Canvas's sentences, from its source (`lib/sis/*_importer.rb`). One that is in another language or new is `refused`. */
const kinds: readonly Kind[] = [
  { says: /claimed .*integration_id/, problem: 'key-taken' },
  { says: /has already claimed .*login information/, problem: 'username-taken' },
  { says: /Invalid login_id|No login_id given/, problem: 'username-refused' },
  // The account is made, without the address.
  {
    says: /^The email address associated .* is invalid|An email did not pass validation/,
    problem: 'email-refused',
    isTaken: true,
  },
  { says: /referenced a deleted sis login$/, problem: 'user-missing', isTaken: true },
  {
    says: /^User not found|^User .* didn't exist|enrolling of deleted user|with deleted sis login|doesn't have an enrollment/,
    problem: 'user-missing',
  },
  {
    says: /Account not found|Parent account didn't exist|references course .* which doesn't exist|Neither course nor section existed|non-existent (?:section|course)|that are unrelated|didn't exist for group/,
    problem: 'parent-missing',
  },
  { says: /Improper role|not allowed in blueprint course/, problem: 'role-refused' },
  { says: /Bad date format/, problem: 'date-refused' },
  { says: /Can't remove yourself/, problem: 'rights-missing' },
  { says: /SIS ID .* is already in use/, problem: 'key-taken' },
  {
    says: /No (?:name|short_name|long_name) given|(?:Name|Course code) is too long|Unknown reason: name/i,
    problem: 'name-refused',
  },
];

const entityOfFile = new Map(pushEntities.map((entity) => [fileOf[entity], entity]));

/** The entity of a file: its name up to the first dot, without folders. */
function entityOf(file: string | null): PushEntity | null {
  const name = /([^/]+?)\./.exec(file ?? '')?.[1];
  return entityOfFile.get(name ?? '') ?? null;
}

/** A cell of a row as an error prints it: in CSV by its place, of an enrolment as a hash of Ruby, of either of its ways to print one. */
function cellOfHash(info: string, name: string): string | null {
  const match = new RegExp(`\\b${name}(?:=>|: )"((?:[^"\\\\]|\\\\.)*)"`).exec(info);
  return match?.[1]?.replaceAll(/\\(.)/g, '$1') ?? null;
}
function cellsOfCsv(info: string): readonly string[] {
  const cells = [...`,${info}`.matchAll(/,(?:"((?:[^"]|"")*)"|([^,\r\n]*))/g)];
  return cells.map(([, inQuotes, plain]) => (inQuotes === undefined ? (plain ?? '') : inQuotes.replaceAll('""', '"')));
}

/** Our key of the record that a row is of, from the row's content; null where Canvas does not tell it. */
function keyOf(entity: PushEntity, info: string | null): string | null {
  if (info === null || info === '') return null;
  if (entity === 'enrolment') {
    const user = cellOfHash(info, 'user_id');
    const place = cellOfHash(info, 'section_id') ?? cellOfHash(info, 'course_id');
    const role = cellOfHash(info, 'role');
    if (user !== null && place !== null && role !== null) return `${user} ${place} ${role}`;
    const [course = '', section = '', user_ = '', role_ = ''] = cellsOfCsv(info);
    return user_ === '' || role_ === '' ? null : `${user_} ${section === '' ? course : section} ${role_}`;
  }
  const [first = '', second = ''] = cellsOfCsv(info);
  if (first === '') return null;
  return entity === 'membership' ? (second === '' ? null : `${second} ${first}`) : first;
}

/** An error or a warning as what became of one change; null where it concerns none (a remark on the file, on the comparison). Pure. */
export function problemOf(error: SisError, reading: ReadingOfErrors): PackageProblem | null {
  const entity = entityOf(error.file);
  if (entity === null) return null;
  const kind = kinds.find(({ says }) => says.test(error.message));
  const isThere = error.row !== null || error.row_info !== null;
  // A word about the whole file: whether it was read is the import's state to say.
  if (!isThere && kind === undefined) return null;
  const key = keyOf(entity, error.row_info);
  const ordinal = reading.isNumberedByUs && error.row !== null && error.row > 1 ? error.row - 1 : null;
  const problem = kind?.problem ?? 'refused';
  const isGoneAlready = reading.isRemoval && (problem === 'user-missing' || problem === 'parent-missing');
  return {
    entity,
    at: ordinal !== null ? { ordinal } : key !== null ? { key } : null,
    isTaken: kind?.isTaken === true || isGoneAlready,
    problem,
    details: {},
  };
}
