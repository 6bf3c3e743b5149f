import type { z } from 'zod';
import type { Session } from '#server/connectors/contract.ts';
import { type Answer, ask, refuseStatus, unreadable } from '#server/connectors/exchange/ask.ts';
import { CrosswalkError, type ErrorCode } from '#server/kernel/errors.ts';
import { originOf } from '#server/kernel/outbound/client.ts';
import type { Secret, Settings, WsFunction } from './settings.ts';
import { exceptionSchema } from './wire.ts';

export type MoodleSession = Session<Settings, Secret>;

/** What the error codes of reference §2 mean for us. Others are answers that we do not understand. */
const meanings: Readonly<Record<string, ErrorCode>> = {
  invalidtoken: 'credential-refused',
  invalidtimedtoken: 'credential-refused',
  invalidiptoken: 'credential-refused',
  usernotallowed: 'credential-refused',
  servicerequireslogin: 'credential-refused',
  accessexception: 'rights-missing',
  nopermissions: 'rights-missing',
  requireloginerror: 'rights-missing',
  missingrequiredcapability: 'rights-missing',
  errorcoursecontextnotvalid: 'rights-missing',
  enablewsdescription: 'rights-missing',
  sitemaintenance: 'foreign-unavailable',
  upgraderunning: 'foreign-unavailable',
};

/** A parameter as it is meant; a form has `a[0][b]` for what is nested. */
export type Parameter = string | number | readonly Parameter[] | { readonly [name: string]: Parameter };

function* fieldsOf(parameter: Parameter, name: string): Generator<[string, string]> {
  if (typeof parameter !== 'object') {
    yield [name, String(parameter)];
    return;
  }
  for (const [key, inner] of Object.entries(parameter)) yield* fieldsOf(inner, name === '' ? key : `${name}[${key}]`);
}

/**
 * Calls one web service function. Always POST with a form: the token stays out of addresses and logs, and Moodle ignores a JSON body in
 * silence. Names come unescaped (`moodlewssettingraw`). The function is named last: where PHP drops the tail of a long form (`max_input_vars`),
 * Moodle misses it and refuses, instead of doing half of what was asked.
 * @throws CrosswalkError by the error code, which Moodle sends with HTTP 200
 */
export function call<S extends z.ZodType>(
  session: MoodleSession,
  wsFunction: WsFunction,
  parameters: { readonly [name: string]: Parameter },
  schema: S,
  rowsOf: (value: z.infer<S>) => number | null,
): Promise<z.infer<S>> {
  const form = new URLSearchParams([
    ['wstoken', session.secret.token],
    ['moodlewsrestformat', 'json'],
    ['moodlewssettingraw', '1'],
    ...fieldsOf(parameters, ''),
    ['wsfunction', wsFunction],
  ]);
  const url = `${session.settings.baseUrl}/webservice/rest/server.php`;
  return ask(
    session,
    {
      url,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
      origin: originOf(session.settings.baseUrl),
      shownAs: `${new URL(url).pathname} ${wsFunction}`,
      // There is no paging: a large site answers with all its courses at once.
      maxBytes: 64 * 1024 * 1024,
    },
    (answer) => {
      refuse(session, answer, wsFunction);
      const parsed = schema.safeParse(answer.json);
      if (!parsed.success)
        throw unreadable(answer, answer.json === undefined ? 'not-json' : 'another-shape', { function: wsFunction });
      return { value: parsed.data, rows: rowsOf(parsed.data) };
    },
  );
}

function refuse(session: MoodleSession, answer: Answer, wsFunction: WsFunction): void {
  const now = session.clock.now();
  if (answer.status === 403) {
    // Moodle's own 403 means that web services or the REST protocol are switched off; a proxy's comes with a time to wait.
    if ('retry-after' in answer.headers) refuseStatus({ ...answer, status: 429 }, now);
    throw new CrosswalkError('rights-missing', {
      details: { host: answer.host, status: 403, problem: 'web-services-off' },
    });
  }
  refuseStatus(answer, now, { function: wsFunction });
  const error = exceptionSchema.safeParse(answer.json);
  if (!error.success) return;
  const { errorcode } = error.data;
  const details = {
    host: answer.host,
    function: wsFunction,
    ...(/^[a-z_]{1,60}$/.test(errorcode) ? { foreignCode: errorcode } : {}),
  };
  const code = Object.hasOwn(meanings, errorcode) ? meanings[errorcode] : undefined;
  if (code === undefined) {
    throw new CrosswalkError('foreign-answer-unreadable', {
      details: { ...details, problem: 'unknown-error' },
      disposition: 'abort',
    });
  }
  throw new CrosswalkError(code, {
    details: code === 'rights-missing' ? { ...details, functions: [wsFunction] } : details,
  });
}
