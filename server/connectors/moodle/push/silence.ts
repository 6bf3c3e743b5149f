import { call, type MoodleSession } from '#server/connectors/moodle/client.ts';
import { notificationsSchema, savedSchema } from '#server/connectors/moodle/wire.ts';
import { CrosswalkError, isCrosswalkError } from '#server/kernel/errors.ts';

/** The notification of a course's welcome message, and the preference by which a person switches it off. */
const notification = 'message_provider_moodle_enrolcoursewelcomemessage';

/** What became of each user who was to be told nothing. */
export interface Silenced {
  /** Deleted over there, or never there. */
  readonly gone: ReadonlySet<number>;
  /** Whom this account may set nothing for: site administrators. They must not be enrolled, since Moodle would mail them. */
  readonly loud: ReadonlySet<number>;
}

const nobody: Silenced = { gone: new Set(), loud: new Set() };

/**
 * Since 4.5 Moodle mails a welcome to whoever is enrolled, at every call of `enrol_manual_enrol_users`, also one that repeats or suspends, unless
 * the course's instance says no (a new site's says yes) or the person has switched that message off. Web services cannot see or change the
 * instance, so it is switched off for each person, proved for one of them, before anybody is enrolled.
 * @throws CrosswalkError `rights-missing` where it cannot be switched off: nobody is enrolled then
 */
export async function silence(session: MoodleSession, userIds: Iterable<number>): Promise<Silenced> {
  const wanted = [...new Set(userIds)];
  if (wanted.length === 0) return nobody;
  const { saved, warnings } = await call(
    session,
    'core_user_set_user_preferences',
    { preferences: wanted.map((userid) => ({ name: `${notification}_enabled`, value: 'none', userid })) },
    savedSchema,
    (answer) => answer.saved.length,
  );
  const quiet = new Set(saved.map(({ userid }) => userid));
  const gone = new Set(warnings.filter(({ warningcode }) => warningcode === 'invaliduser').map(({ itemid }) => itemid));
  const loud = new Set(wanted.filter((id) => !quiet.has(id) && !gone.has(id)));
  const [witness] = quiet.size > 0 ? quiet : loud;
  if (witness === undefined) return { gone, loud };
  const enabled = await isEnabled(session, witness);
  // Older than 4.5: there is no such message, and nothing to switch off.
  if (enabled === null) return { gone, loud: new Set() };
  if (quiet.size === 0) throw refusal('welcome-not-silenced');
  if (enabled) throw refusal('welcome-locked');
  return { gone, loud };
}

const refusal = (problem: string) => new CrosswalkError('rights-missing', { details: { problem } });

/** Whether the message would reach somebody in any way; null where this Moodle has none such. */
async function isEnabled(session: MoodleSession, userId: number): Promise<boolean | null> {
  try {
    const { preferences } = await call(
      session,
      'core_message_get_user_notification_preferences',
      { userid: userId },
      notificationsSchema,
      () => null,
    );
    const found = preferences.components
      .flatMap(({ notifications }) => notifications)
      .find(({ preferencekey }) => preferencekey === notification);
    return found === undefined ? null : found.processors.some(({ enabled }) => enabled);
  } catch (error) {
    if (isCrosswalkError(error, 'rights-missing')) throw refusal('welcome-not-silenced');
    throw error;
  }
}
