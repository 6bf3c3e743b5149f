import type { AnyPushChange, PushChange, PushEntity } from '#server/connectors/push-contract.ts';

/** The files of an SIS import; Canvas knows each by its header. */
export const fileOf: Readonly<Record<PushEntity, string>> = {
  term: 'terms',
  category: 'accounts',
  course: 'courses',
  section: 'sections',
  cohort: 'groups',
  user: 'users',
  enrolment: 'enrollments',
  membership: 'groups_membership',
};

/**
 * Behind Canvas's own columns stands one that it ignores. A row that must be applied bears there the mark of its package: diffing compares
 * whole rows, so that one which says what an earlier package said already, and was undone over there meanwhile, is applied all the same.
 *
 * `notify` and `canvas_password_notification` are no columns here, nor can they become ones: Canvas asks of the latter whether the cell is
 * filled, so that even `false` writes to people. `authentication_provider_id` is none either: it names one provider for good, and
 * without it an account is open to every provider of the school.
 */
const ownColumn = 'crosswalk_package';

/** In this order for good: a data set whose headers change cannot be compared with its last import. */
const columns = {
  term: ['term_id', 'name', 'start_date', 'end_date', 'status'],
  category: ['account_id', 'parent_account_id', 'name', 'status'],
  course: ['course_id', 'short_name', 'long_name', 'account_id', 'term_id', 'start_date', 'end_date', 'status'],
  section: ['section_id', 'course_id', 'name', 'status'],
  cohort: ['group_id', 'name', 'status'],
  user: ['user_id', 'login_id', 'first_name', 'last_name', 'email', 'status'],
  enrolment: ['course_id', 'section_id', 'user_id', 'role', 'status'],
  membership: ['group_id', 'user_id', 'status'],
} as const satisfies Readonly<Record<PushEntity, readonly string[]>>;

type Cells<E extends PushEntity> = Readonly<Record<(typeof columns)[E][number], string | null>>;

/** The e-mail that may be told of a person; null where none is. */
export type EmailOf = (change: PushChange<'user'>) => string | null;

/** What a row says of its record's state. */
const statuses = {
  term: { there: 'active', suspended: 'active', removed: 'deleted' },
  category: { there: 'active', suspended: 'active', removed: 'deleted' },
  course: { there: 'active', suspended: 'completed', removed: 'deleted' },
  section: { there: 'active', suspended: 'active', removed: 'deleted' },
  cohort: { there: 'available', suspended: 'available', removed: 'deleted' },
  user: { there: 'active', suspended: 'suspended', removed: 'deleted' },
  enrolment: { there: 'active', suspended: 'inactive', removed: 'deleted' },
  membership: { there: 'accepted', suspended: 'deleted', removed: 'deleted' },
} as const satisfies Readonly<Record<PushEntity, Record<'there' | 'suspended' | 'removed', string>>>;

const statusOf = ({ entity, action }: AnyPushChange): string =>
  statuses[entity][action === 'remove' ? 'removed' : action === 'suspend' ? 'suspended' : 'there'];

/** Midnight in UTC, as Canvas reads it; an end is exclusive in both. */
const moment = (day: string | null | undefined): string | null =>
  day === null || day === undefined || day === '' ? null : `${day}T00:00:00Z`;

/** A cell that Canvas wants filled, of a record whose name is left as it stands or is not known here any more. */
const nameOf = (change: AnyPushChange, wanted: string | null | undefined): string =>
  wanted ?? change.standsAs?.name ?? change.key;
const codeOf = (change: AnyPushChange, wanted: string | null | undefined): string =>
  wanted ?? change.standsAs?.code ?? change.key;

/**
 * The login. An account that stands keeps the one that it has, unless the change gives it another. Null where it is not known: a row without
 * it is refused by Canvas, and a guessed one would take the account from its owner.
 */
function loginOf(change: PushChange<'user'>): string | null {
  const { content, standsAs, action, key } = change;
  const wanted = content?.signIn === 'email' ? content.email : (content?.username ?? null);
  if (action === 'create' || action === 'update') return wanted ?? standsAs?.code ?? null;
  return standsAs?.code ?? wanted ?? (action === 'remove' ? key : null);
}

const cellsOf: { readonly [E in PushEntity]: (change: PushChange<E>, status: string, emailOf: EmailOf) => Cells<E> } = {
  term: (change, status) => ({
    term_id: change.key,
    name: nameOf(change, change.content?.name),
    start_date: moment(change.content?.startsOn),
    end_date: moment(change.content?.endsOn),
    status,
  }),
  // Sub-accounts of the root account alone are read and made: an empty cell leaves them there.
  category: (change, status) => ({
    account_id: change.key,
    parent_account_id: null,
    name: nameOf(change, change.content?.name),
    status,
  }),
  course: (change, status) => ({
    course_id: change.key,
    short_name: codeOf(change, change.content?.code),
    long_name: nameOf(change, change.content?.name),
    account_id: change.content?.category?.key ?? null,
    term_id: change.content?.term?.key ?? null,
    start_date: moment(change.content?.startsOn),
    end_date: moment(change.content?.endsOn),
    status,
  }),
  section: (change, status) => ({
    section_id: change.key,
    course_id: change.content?.course.key ?? null,
    name: nameOf(change, change.content?.name),
    status,
  }),
  cohort: (change, status) => ({ group_id: change.key, name: nameOf(change, change.content?.name), status }),
  user: (change, status, emailOf) => ({
    user_id: change.key,
    login_id: loginOf(change),
    first_name: change.content?.givenName ?? null,
    last_name: change.content?.familyName ?? null,
    email: emailOf(change),
    status,
  }),
  // Where a section is named its course is not: a teacher may have cross-listed it.
  enrolment: (change, status) => ({
    course_id: change.content?.section === null ? change.content.course.key : null,
    section_id: change.content?.section?.key ?? null,
    user_id: change.content?.user.key ?? null,
    role: change.content?.role ?? null,
    status,
  }),
  membership: (change, status) => ({
    group_id: change.content?.cohort.key ?? null,
    user_id: change.content?.user.key ?? null,
    status,
  }),
};

/** RFC 4180. Exact values: nobody opens this file in a spreadsheet, so nothing is put before a formula. */
const quoted = (cell: string | null): string =>
  cell === null ? '' : /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
const lineOf = (cells: readonly (string | null)[]): string => `${cells.map(quoted).join(',')}\n`;

export const headerOf = (entity: PushEntity): string => lineOf([...columns[entity], ownColumn]);

function cells(change: AnyPushChange, emailOf: EmailOf): Readonly<Record<string, string | null>> {
  const status = statusOf(change);
  switch (change.entity) {
    case 'term':
      return cellsOf.term(change, status, emailOf);
    case 'category':
      return cellsOf.category(change, status, emailOf);
    case 'course':
      return cellsOf.course(change, status, emailOf);
    case 'section':
      return cellsOf.section(change, status, emailOf);
    case 'cohort':
      return cellsOf.cohort(change, status, emailOf);
    case 'user':
      return cellsOf.user(change, status, emailOf);
    case 'enrolment':
      return cellsOf.enrolment(change, status, emailOf);
    case 'membership':
      return cellsOf.membership(change, status, emailOf);
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
const control = /[\u0000-\u001f\u007f]/g;

/**
 * One line for one change, so that a line's number is the change's place in the stream of its entity. Pure. A control character, for which Canvas
 * would refuse a row or a file, becomes a blank.
 */
export function rowOf(change: AnyPushChange, mark: string, emailOf: EmailOf): string {
  const row = cells(change, emailOf);
  return lineOf([
    ...columns[change.entity].map((name) => row[name]?.replaceAll(control, ' ').toWellFormed() ?? null),
    change.action === 'keep' ? null : mark,
  ]);
}
