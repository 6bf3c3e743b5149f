/** Users. Source: user/externallib.php of Moodle 4.5. */

import type { Call, Row, Value } from './call.ts';
import { allOrNothing, failed, given, int, invalid, MoodleException, requireWriter, rowsOf } from './call.ts';
import { sendNewPassword, welcomePreference } from './mail.ts';
import type { MoodleUser } from './model.ts';
import { listOf, textOf } from './php.ts';

/** A user as the functions that read people tell one. */
export function wireUser(call: Call, user: MoodleUser): { [key: string]: Value } {
  return {
    id: user.id,
    ...(call.user.seesAll ? { username: user.username } : {}),
    firstname: user.firstname,
    lastname: user.lastname,
    fullname: `${user.firstname} ${user.lastname}`,
    email: user.email,
    ...(call.user.seesAll ? given('idnumber', user.idnumber) : {}),
    department: '',
    firstaccess: 0,
    lastaccess: 0,
    auth: user.auth,
    suspended: user.suspended,
    confirmed: true,
    lang: 'en',
    theme: '',
    timezone: '99',
    mailformat: 1,
  };
}

function requireReader(call: Call): void {
  if (call.user.seesAll) return;
  throw failed('nopermissions', 'Sorry, but you do not currently have permissions to do that (View user details).');
}

type Field = 'id' | 'idnumber' | 'username' | 'email';
const isField = (name: string): name is Field => ['id', 'idnumber', 'username', 'email'].includes(name);

/** What `clean_param` leaves of a value; the call is refused where that is something else. */
const cleaned: Readonly<Record<Field, RegExp>> = {
  id: /^-?\d+$/,
  idnumber: /^(?:(?!<\S).)*$/s,
  username: /^[a-z0-9_.@-]*$/,
  email: /^[^\s@<>()[\],;:\\"]+@[^\s@<>()[\],;:\\"]+$/,
};

export function usersByField(call: Call): Value {
  requireReader(call);
  const field = textOf(call.params, 'field') ?? '';
  if (!isField(field))
    throw failed(
      'codingerror',
      `Coding error detected: invalid field parameter, the field '${field}' is not supported`,
    );
  const values = new Set(listOf(call.params, 'values').map((value) => (typeof value === 'string' ? value : '')));
  for (const value of values)
    if (!cleaned[field].test(value)) throw invalid(`The field '${field}' value is invalid: ${value}`);
  // Exact, with upper and lower case told apart, as PostgreSQL compares.
  return [...call.model.users.values()]
    .filter((user) => values.has(String(user[field])) && String(user[field]) !== '')
    .map((user) => wireUser(call, user));
}

export function searchUsers(call: Call): Value {
  requireReader(call);
  const warnings: Value[] = [];
  const seen = new Set<string>();
  let found = [...call.model.users.values()].filter(({ deleted }) => !deleted);
  for (const row of rowsOf(call, 'criteria', { key: ['raw', 'required'], value: ['raw', 'required'] })) {
    const key = row.text('key');
    const value = row.text('value');
    if (seen.has(key)) throw failed('keyalreadyset', `The key '${key}' can only be sent once`);
    seen.add(key);
    if (isField(key) || key === 'firstname' || key === 'lastname' || key === 'auth') {
      const pattern = new RegExp(
        `^${value.replaceAll(/[.+?^${}()|[\]\\*]/g, '\\$&').replaceAll('%', '.*')}$`,
        key === 'idnumber' || key === 'id' ? '' : 'i',
      );
      found = found.filter((user) => pattern.test(String(user[key])));
    } else {
      warnings.push({
        item: key,
        warningcode: 'invalidfieldparameter',
        message: `The search key '${key}' is not supported`,
      });
    }
  }
  return { users: found.map((user) => wireUser(call, user)), warnings };
}

const fields = {
  username: 'raw',
  firstname: 'plain',
  lastname: 'plain',
  email: 'raw',
  auth: 'raw',
  password: 'raw',
  idnumber: 'plain',
  middlename: 'plain',
  alternatename: 'plain',
  city: 'plain',
  country: 'raw',
  lang: 'raw',
  institution: 'plain',
  department: 'plain',
  preferences: 'pairs',
} as const;

/** Plugins that are installed; whether one is switched on is not asked. */
const auths = ['manual', 'oauth2', 'ldap', 'cas', 'shibboleth', 'lti', 'email', 'nologin', 'none', 'db'];
const isInternal = (auth: string): boolean => ['manual', 'email', 'none'].includes(auth);
const isStrong = (password: string): boolean =>
  password.length >= 8 && [/[a-z]/, /[A-Z]/, /\d/, /[^a-zA-Z\d]/].every((kind) => kind.test(password));

function requireUsername(username: string): void {
  if (username !== username.toLowerCase()) throw failed('usernamelowercase', 'Usernames must be lower case');
  if (!cleaned.username.test(username)) throw failed('invalidusername', 'The username is not valid');
}
function requirePassword(password: string): void {
  // The code of this one is a text for people, with HTML in it.
  if (!isStrong(password))
    throw failed(
      '<div>The password must have at least 8 characters, 1 digit, 1 lower case, 1 upper case and 1 special character</div>',
    );
}
const sameAddress = (call: Call, email: string, but: number): boolean =>
  [...call.model.users.values()].some(
    (user) => !user.deleted && user.id !== but && user.email.toLowerCase() === email.toLowerCase(),
  );

/** Sets the preferences that came with a user: those that nobody may set for others are passed over without a word. */
function keepPreferences(row: Row, user: MoodleUser): void {
  for (const pair of listOf(row.raw, 'preferences')) {
    if (!(pair instanceof Map)) continue;
    const name = textOf(pair, 'type') ?? '';
    if (name === welcomePreference) user.preferences[name] = textOf(pair, 'value') ?? '';
  }
}

export function createUsers(call: Call): Value {
  requireWriter(call, 'Create a new user');
  const rows = rowsOf(call, 'users', {
    ...fields,
    username: ['raw', 'required'],
    firstname: ['plain', 'required'],
    lastname: ['plain', 'required'],
    email: ['raw', 'required'],
    createpassword: 'bool',
  });
  const mailed: MoodleUser[] = [];
  const made = allOrNothing(call, () =>
    rows.map((row) => {
      for (const name of ['username', 'firstname', 'lastname'])
        if (row.text(name).trim() === '') throw invalid(`The field ${name} cannot be blank`);
      const username = row.text('username');
      if ([...call.model.users.values()].some((user) => user.username === username))
        throw invalid(`Username already exists: ${username}`);
      const auth = row.has('auth') ? row.text('auth') : 'manual';
      if (!auths.includes(auth)) throw invalid(`Invalid authentication type: ${auth}`);
      const hasPassword = row.text('password') !== '';
      const wantsPassword = row.text('createpassword') === '1';
      if (isInternal(auth) && !hasPassword && !wantsPassword)
        throw invalid('Invalid password: you must provide a password, or set createpassword.');
      const email = row.text('email');
      if (!cleaned.email.test(email)) throw invalid(`Email address is invalid: ${email}`);
      if (sameAddress(call, email, 0)) throw invalid(`Email address already exists: ${email}`);
      requireUsername(username);
      if (isInternal(auth) && !wantsPassword) requirePassword(row.text('password'));
      const user: MoodleUser = {
        id: call.model.nextId(),
        username,
        firstname: row.text('firstname'),
        lastname: row.text('lastname'),
        email,
        idnumber: row.text('idnumber'),
        auth,
        suspended: false,
        deleted: false,
        preferences: {},
        isAdmin: false,
        seesAll: false,
        mayWrite: false,
        usesRest: false,
      };
      keepPreferences(row, user);
      call.model.users.set(user.id, user);
      if (wantsPassword) mailed.push(user);
      return { id: user.id, username };
    }),
  );
  for (const user of mailed) sendNewPassword(call, user);
  return made;
}

export function updateUsers(call: Call): Value {
  requireWriter(call, 'Update user profiles');
  const rows = rowsOf(call, 'users', { ...fields, id: ['int', 'required'], suspended: 'bool' });
  const warnings: Value[] = [];
  // Each by itself: what is refused becomes a warning, and the others are done.
  for (const row of rows) {
    const id = row.int('id');
    try {
      const user = call.model.users.get(id);
      if (user === undefined) throw failed('invaliduserid', 'Invalid user ID');
      if (user.isAdmin && user.id !== call.user.id) throw failed('usernotupdatedadmin', 'Cannot update admin accounts');
      if (user.deleted) throw failed('usernotupdateddeleted', 'User is a deleted user');
      if (row.has('email') && row.text('email') !== user.email) {
        if (!cleaned.email.test(row.text('email'))) throw failed('useremailinvalid', 'Invalid email address');
        if (sameAddress(call, row.text('email'), id)) throw failed('useremailduplicate', 'Duplicate email address');
      }
      if (row.has('username')) {
        requireUsername(row.text('username'));
        if ([...call.model.users.values()].some((other) => other.id !== id && other.username === row.text('username')))
          throw failed('dmlwriteexception', 'Error writing to database');
      }
      if (row.has('password')) requirePassword(row.text('password'));
      for (const name of ['username', 'firstname', 'lastname', 'email', 'idnumber', 'auth'] as const)
        if (row.has(name)) user[name] = row.text(name);
      if (row.has('suspended')) user.suspended = row.text('suspended') === '1';
      keepPreferences(row, user);
    } catch (error) {
      if (!(error instanceof MoodleException)) throw error;
      warnings.push({ item: 'user', itemid: id, warningcode: error.errorcode, message: error.message });
    }
  }
  return { warnings };
}

export function setPreferences(call: Call): Value {
  const rows = rowsOf(call, 'preferences', { name: ['raw', 'required'], value: ['raw', 'required'], userid: 'int' });
  const saved: Value[] = [];
  const warnings: Value[] = [];
  for (const row of rows) {
    const userId = row.has('userid') && row.int('userid') !== 0 ? row.int('userid') : call.user.id;
    const user = call.model.users.get(userId);
    const warn = (warningcode: string): void => void warnings.push({ item: 'user', itemid: userId, warningcode });
    if (user === undefined || user.deleted) warn('invaliduser');
    // Nobody but an administrator sets anything for an administrator.
    else if (row.text('name') !== welcomePreference || !call.user.mayWrite || (user.isAdmin && !call.user.isAdmin))
      warn('nopermission');
    else {
      user.preferences[row.text('name')] = row.text('value');
      saved.push({ name: row.text('name'), userid: userId });
    }
  }
  return { saved, warnings };
}

/** What a person is told of, and by which way. */
export function notificationPreferences(call: Call): Value {
  const user = call.model.users.get(int(call.params.get('userid') ?? String(call.user.id), 'userid'));
  if (user === undefined) throw failed('invaliduser', 'Invalid user');
  if (!call.user.mayWrite && user.id !== call.user.id)
    throw failed(
      'nopermissions',
      'Sorry, but you do not currently have permissions to do that (Edit message profile).',
    );
  const enabled = (user.preferences[welcomePreference] ?? 'popup,email').split(',');
  const processors = ['popup', 'email'].map((name) => ({
    displayname: name,
    name,
    locked: call.settings.forcesMail && name === 'email',
    userconfigured: 1,
    enabled: enabled.includes(name) || (call.settings.forcesMail && name === 'email'),
  }));
  const notification = {
    displayname: 'Course welcome messages',
    preferencekey: welcomePreference.replace(/_enabled$/, ''),
    processors,
  };
  return {
    preferences: {
      userid: user.id,
      disableall: 0,
      processors: [],
      components: [{ displayname: 'System', notifications: [notification] }],
    },
    warnings: [],
  };
}
