import { randomBytes } from 'node:crypto';
import { call, type MoodleSession } from '#server/connectors/moodle/client.ts';
import { madeSchema, type StandingUser, warningsSchema } from '#server/connectors/moodle/wire.ts';
import type { PushBatch, PushChange, PushOutcome, PushProblem } from '#server/connectors/push-contract.ts';
import { isAddress, isUsername, longest, nameFor } from './moodle-text.ts';
import { done, idOf, refused, unknown } from './outcome.ts';
import { isDeleted, usersBy, usersOfAddress } from './reads.ts';
import { type Deadline, sendHalving } from './send.ts';

type UserChange = PushChange<'user'>;
type Content = NonNullable<UserChange['content']>;

/** Ways to sign in whose accounts Moodle keeps a password for: they get one that nobody knows. */
const internal = new Set(['manual']);
/** Every kind of sign that a policy may ask for, and 256 random bits; it is sent once and kept nowhere. */
const unusablePassword = () => `Aa1!-${randomBytes(32).toString('base64url')}`;

const namesOf = (content: Content) => ({
  // Moodle takes no empty name.
  firstname: nameFor(content.givenName, longest.person) || '-',
  lastname: nameFor(content.familyName, longest.person) || '-',
});
/** An account to be made. */
interface Account {
  readonly change: UserChange;
  readonly content: Content;
  readonly username: string;
  readonly email: string;
  readonly auth: string;
}

const wholeName = (user: StandingUser) => user.fullname ?? null;

export function deliverUsers(
  session: MoodleSession,
  batch: PushBatch<'user'>,
  deadline: Deadline,
): Promise<readonly PushOutcome[]> {
  switch (batch.action) {
    case 'create':
      return create(session, batch.changes, deadline);
    case 'adopt':
      return adopt(session, batch.changes);
    case 'update':
      return update(session, batch.changes, deadline);
    case 'restore':
      return suspend(session, batch.changes, false);
    case 'suspend':
    case 'remove':
      // Nobody is ever deleted: that would be final, and take what the person made.
      return suspend(session, batch.changes, true);
  }
}

/** Those of our keys that are there already. The id number of users is not unique: whoever signs in as wanted comes first. */
async function byKey(session: MoodleSession, changes: readonly UserChange[]): Promise<Map<string, StandingUser>> {
  const found = new Map<string, StandingUser>();
  const usernames = new Map(changes.map(({ key, content }) => [key, content?.username]));
  for (const user of await usersBy(
    session,
    'idnumber',
    changes.map(({ key }) => key),
  )) {
    const key = user.idnumber ?? '';
    if (isDeleted(user) || (found.has(key) && user.username !== usernames.get(key))) continue;
    found.set(key, user);
  }
  return found;
}

async function create(session: MoodleSession, changes: readonly UserChange[], deadline: Deadline) {
  const outcomes: PushOutcome[] = [];
  const wanted: Account[] = [];
  // Looked for in any case: that is one question, and one who is there would spoil the whole list.
  const before = await byKey(session, changes);
  for (const change of changes) {
    const { content, key } = change;
    const there = before.get(key);
    if (there !== undefined) outcomes.push(done(change, there.id, wholeName(there)));
    else if (content === null || content.username === null) outcomes.push(refused(change, 'username-refused'));
    else if (content.email === null) outcomes.push(refused(change, 'email-refused'));
    else {
      const { username, email, signIn } = content;
      wanted.push({ change, content, username, email, auth: signIn ?? 'manual' });
    }
  }
  const sent = await sendHalving(deadline, wanted, async (rows) => {
    const users = rows.map(({ change, content, username, email, auth }) => {
      const user = { username, ...namesOf(content), email, auth, idnumber: change.key };
      // Never `createpassword`: that mails it.
      return internal.has(auth) ? { ...user, password: unusablePassword() } : user;
    });
    await call(session, 'core_user_create_users', { users }, madeSchema, (made) => made.length);
  });
  // What stands there is what counts, not what the answer said: a tail may be lost, an id another's.
  const standing = await byKey(
    session,
    wanted.map(({ change }) => change),
  );
  const failed = wanted.filter(({ change }) => !standing.has(change.key));
  const reasons = await reasonsFor(session, failed, deadline);
  for (const row of wanted) {
    const { change, auth } = row;
    const there = standing.get(change.key);
    const code = sent.refused.get(row);
    if (there !== undefined) outcomes.push(done(change, there.id, wholeName(there)));
    else if (sent.unsent.has(row)) outcomes.push(unknown(change));
    else if (code === undefined) outcomes.push(refused(change, 'not-written'));
    else {
      const reason = reasons.get(change.key);
      // With nothing else to blame it is most likely a way to sign in whose plug-in is not there.
      const field = reason === undefined && !internal.has(auth) ? 'auth' : null;
      outcomes.push(refused(change, reason ?? 'refused', { code, field }));
    }
  }
  return outcomes;
}

/** With debugging off Moodle says only that a parameter is not valid, so that the reason is looked for. */
async function reasonsFor(
  session: MoodleSession,
  failed: readonly Account[],
  deadline: Deadline,
): Promise<ReadonlyMap<string, PushProblem>> {
  const reasons = new Map<string, PushProblem>();
  if (failed.length === 0) return reasons;
  const usernames = await usersBy(
    session,
    'username',
    failed.map(({ username }) => username),
  );
  const taken = new Set(usernames.map(({ username }) => username));
  for (const { change, username, email } of failed) {
    if (taken.has(username)) reasons.set(change.key, 'username-taken');
    else if (!isUsername(username)) reasons.set(change.key, 'username-refused');
    else if (!isAddress(email)) reasons.set(change.key, 'email-refused');
    else if (!deadline.isOver() && (await usersOfAddress(session, email)).length > 0) {
      reasons.set(change.key, 'email-taken');
    }
  }
  return reasons;
}

/** What a warning of an update means for one row; others are told by their code. */
const meanings: Readonly<Record<string, PushProblem>> = {
  useremailduplicate: 'email-taken',
  useremailinvalid: 'email-refused',
  usernamelowercase: 'username-refused',
  invalidusername: 'username-refused',
  usernotupdateddeleted: 'gone-over-there',
  invaliduserid: 'gone-over-there',
  usernotupdatedadmin: 'rights-missing',
  usernotupdatedremote: 'rights-missing',
  usernotupdatedguest: 'rights-missing',
};

interface Row {
  readonly id: number;
  readonly [field: string]: string | number;
}

/** Updates rows, each by itself; answers the code of each that was refused. */
async function write(session: MoodleSession, rows: readonly Row[], deadline: Deadline) {
  const codes = new Map<number, string>();
  const { refused: cut, unsent } = await sendHalving(deadline, rows, async (part) => {
    const { warnings } = await call(
      session,
      'core_user_update_users',
      { users: part },
      warningsSchema,
      () => part.length,
    );
    for (const { itemid, warningcode } of warnings) codes.set(itemid, warningcode);
  });
  for (const [{ id }, code] of cut) codes.set(id, code);
  return { codes, unsent: new Set([...unsent].map(({ id }) => id)) };
}

const standingById = async (session: MoodleSession, changes: readonly UserChange[]) => {
  const ids = changes.flatMap(({ foreignId }) => (idOf(foreignId) === null ? [] : [String(foreignId)]));
  const users = await usersBy(session, 'id', ids);
  return new Map(users.filter((user) => !isDeleted(user)).map((user) => [user.id, user]));
};

async function update(session: MoodleSession, changes: readonly UserChange[], deadline: Deadline) {
  const rows = changes.flatMap(({ foreignId, content }): Row[] => {
    const id = idOf(foreignId);
    if (id === null || content === null) return [];
    const login: { readonly [field: string]: string } = content.username === null ? {} : { username: content.username };
    const address: { readonly [field: string]: string } = content.email === null ? {} : { email: content.email };
    return [{ id, ...login, ...namesOf(content), ...address }];
  });
  const { codes, unsent } = await write(session, rows, deadline);
  const standing = await standingById(session, changes);
  const wanted = new Map(rows.map((row) => [row.id, row]));
  return changes.map((change) => {
    const id = idOf(change.foreignId);
    const row = id === null ? undefined : wanted.get(id);
    const there = id === null ? undefined : standing.get(id);
    if (row === undefined || there === undefined) return refused(change, 'gone-over-there');
    if (unsent.has(row.id)) return unknown(change);
    const code = codes.get(row.id);
    if (code === undefined)
      return isAs(there, row) ? done(change, there.id, wholeName(there)) : refused(change, 'not-written');
    // A username that another has ends in an error of the database alone.
    const isDoubled = code === 'dmlwriteexception' && row.username !== undefined && there.username !== row.username;
    return refused(change, meanings[code] ?? (isDoubled ? 'username-taken' : 'refused'), { code });
  });
}

const isAs = (user: StandingUser, row: Row) =>
  (row.username === undefined || user.username === row.username) &&
  user.firstname === row.firstname &&
  user.lastname === row.lastname &&
  (row.email === undefined || user.email?.toLowerCase() === String(row.email).toLowerCase());

async function adopt(session: MoodleSession, changes: readonly UserChange[]) {
  const standing = await standingById(session, changes);
  const holders = await byKey(session, changes);
  const outcomes: PushOutcome[] = [];
  const rows: Row[] = [];
  for (const change of changes) {
    const there = standing.get(idOf(change.foreignId) ?? 0);
    const holder = holders.get(change.key);
    const own = there?.idnumber ?? '';
    if (there === undefined) outcomes.push(refused(change, 'gone-over-there'));
    else if ((own !== '' && own !== change.key) || (holder !== undefined && holder.id !== there.id))
      outcomes.push(refused(change, 'key-taken'));
    else if (own === change.key) outcomes.push(done(change, there.id, wholeName(there)));
    else rows.push({ id: there.id, idnumber: change.key });
  }
  if (rows.length === 0) return outcomes;
  const { codes } = await write(session, rows, { isOver: () => false });
  const after = await standingById(session, changes);
  for (const change of changes) {
    const id = idOf(change.foreignId);
    if (id === null || !rows.some((row) => row.id === id)) continue;
    const code = codes.get(id);
    const there = after.get(id);
    if (there?.idnumber === change.key) outcomes.push(done(change, id, wholeName(there)));
    else if (code === undefined) outcomes.push(refused(change, 'not-written'));
    else outcomes.push(refused(change, meanings[code] ?? 'refused', { code }));
  }
  return outcomes;
}

async function suspend(session: MoodleSession, changes: readonly UserChange[], isSuspended: boolean) {
  const before = await standingById(session, changes);
  const rows = [...before.values()]
    .filter((user) => user.suspended !== isSuspended)
    .map(({ id }) => ({ id, suspended: isSuspended ? 1 : 0 }));
  const { codes, unsent } =
    rows.length === 0
      ? { codes: new Map<number, string>(), unsent: new Set<number>() }
      : await write(session, rows, { isOver: () => false });
  const after = rows.length === 0 ? before : await standingById(session, changes);
  return changes.map((change) => {
    const id = idOf(change.foreignId);
    const there = id === null ? undefined : after.get(id);
    // Who is not there any more cannot sign in.
    if (there === undefined) return isSuspended ? done(change, id) : refused(change, 'gone-over-there');
    if (there.suspended === isSuspended) return done(change, there.id, wholeName(there));
    if (unsent.has(there.id)) return unknown(change);
    const code = codes.get(there.id);
    return code === undefined ? refused(change, 'not-written') : refused(change, meanings[code] ?? 'refused', { code });
  });
}
