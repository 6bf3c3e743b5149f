import { CrosswalkError } from '#server/kernel/errors.ts';
import { call, type MoodleSession } from './client.ts';
import { allCategories, cohortsFrom } from './push/reads.ts';
import { refusalOf } from './push/send.ts';
import { madeSchema, usersSchema, warningsSchema } from './wire.ts';

/** The accounts that every Moodle has: guest, the first administrator, and whoever came next. */
const firstUsers = [1, 2, 3, 4];

/** Looks at accounts that every Moodle has: whoever may not see their usernames would recognise nobody. */
export async function provePeople(session: MoodleSession, self: number): Promise<void> {
  const parameters = { field: 'id', values: firstUsers.filter((id) => id !== self) };
  const users = await call(session, 'core_user_get_users_by_field', parameters, usersSchema, (list) => list.length);
  if (users.some(({ username }) => (username ?? '') !== '')) return;
  throw new CrosswalkError('rights-missing', {
    details: { problem: 'people-not-visible', functions: ['core_user_get_users_by_field'] },
  });
}

/**
 * Real calls that change nothing: an update of nobody, an account without a name, which Moodle refuses after it has looked at the rights, and the
 * lists that only who manages them sees whole.
 */
export async function proveRosterWrite(session: MoodleSession): Promise<void> {
  const categories = await allCategories(session);
  if (categories.length === 0 || categories.some(({ idnumber }) => idnumber === undefined)) {
    throw new CrosswalkError('rights-missing', { details: { problem: 'categories-not-managed' } });
  }
  await cohortsFrom(session, 0);
  const nobody = [{ id: 0, firstname: '-' }];
  await call(session, 'core_user_update_users', { users: nobody }, warningsSchema, () => 0);
  try {
    const nameless = [{ username: '', firstname: '-', lastname: '-', email: '-' }];
    await call(session, 'core_user_create_users', { users: nameless }, madeSchema, () => 0);
  } catch (error) {
    if (refusalOf(error) !== 'invalidparameter') throw error;
  }
}
