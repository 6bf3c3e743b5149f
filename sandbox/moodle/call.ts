/** What every web service function of Moodle works with: the call, PHP's arrays, exceptions, and the checks of parameters. */

import type { MoodleCourse, MoodleModel, MoodleUser } from './model.ts';
import type { PhpArray, PhpValue } from './php.ts';
import { listOf, textOf } from './php.ts';
import type { MoodleSettings } from './settings.ts';

/** An exception that Moodle answers with HTTP 200. `debug` is told only while debugging is on. */
export class MoodleException extends Error {
  override name = 'MoodleException';
  readonly exception: string;
  readonly errorcode: string;
  readonly debug: string;
  constructor(exception: string, errorcode: string, message: string, debug = '') {
    super(message);
    this.exception = exception;
    this.errorcode = errorcode;
    this.debug = debug;
  }
}

/** A value as a web service returns it. `null` is what functions without a result answer. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value };
export type Call = {
  model: MoodleModel;
  settings: MoodleSettings;
  user: MoodleUser;
  params: PhpArray;
  raw: boolean;
  functions: readonly string[];
  siteUrl: string;
  /** Moodle's time, in seconds. */
  now: number;
};

export const invalid = (debug: string): MoodleException =>
  new MoodleException(
    'core\\exception\\invalid_parameter_exception',
    'invalidparameter',
    'Invalid parameter value detected',
    debug,
  );

/** `moodle_exception` of a code; its text names what is wrong only where Moodle's does. */
export const failed = (errorcode: string, message = errorcode): MoodleException =>
  new MoodleException('core\\exception\\moodle_exception', errorcode, message);

export const missingRecord = (table: string): MoodleException =>
  new MoodleException(
    'dml_missing_record_exception',
    'invalidrecord',
    `Can't find data record in database table ${table}.`,
  );

export function int(value: PhpValue | undefined, name: string): number {
  if (typeof value !== 'string' || !/^-?\d+$/.test(value))
    throw invalid(`Invalid parameter value detected: ${name} (expected integer)`);
  return Number(value);
}

/** Names pass Moodle's text filters, which escape the ampersand, unless `moodlewssettingraw` is set. */
export const text = (call: Call, value: string): string => (call.raw ? value : value.replaceAll('&', '&amp;'));
/** A field that is left out where it is empty. */
export const given = (name: string, value: string): { [key: string]: Value } => (value === '' ? {} : { [name]: value });

/** What may change something: the account for a token and administrators. */
export function requireWriter(call: Call, capability: string): void {
  if (call.user.mayWrite) return;
  throw new MoodleException(
    'core\\exception\\required_capability_exception',
    'nopermissions',
    `Sorry, but you do not currently have permissions to do that (${capability}).`,
  );
}

/** How a field of a row is checked. `plain`: text that would lose something by `strip_tags` is refused. */
type Kind = 'int' | 'bool' | 'plain' | 'raw' | 'pair' | 'pairs';
export type Shape = Readonly<Record<string, Kind | readonly [Kind, 'required']>>;

/** One row of a list parameter, checked: the fields that came, as texts. */
export type Row = { has(name: string): boolean; text(name: string): string; int(name: string): number; raw: PhpArray };

const losesTags = (value: string): boolean => /<(?=\S)/.test(value);

/** The rows of a list parameter, checked against a shape as `validate_parameters` does: all of them before anything is done. */
export function rowsOf(call: Call, list: string, shape: Shape): readonly Row[] {
  if (!call.params.has(list)) throw invalid(`Missing required key in single structure: ${list}`);
  return listOf(call.params, list).map((row) => {
    if (!(row instanceof Map)) throw invalid(`Only arrays accepted. The bad value is: '${row}'`);
    for (const [name, rule] of Object.entries(shape)) {
      const [kind, isRequired] = typeof rule === 'string' ? [rule, false] : [rule[0], true];
      const value = row.get(name);
      if (value === undefined) {
        if (isRequired) throw invalid(`${list} => Missing required key in single structure: ${name}`);
        continue;
      }
      const isList = value instanceof Map;
      if (isList !== (kind === 'pair' || kind === 'pairs')) throw invalid(`${list} => ${name}: scalar and array mixed`);
      if (isList) continue;
      if (kind === 'int') int(value, name);
      if (kind === 'bool' && value !== '0' && value !== '1') throw invalid(`${list} => ${name}: bool expected`);
      if (kind === 'plain' && losesTags(value)) throw invalid(`${list} => ${name}: the value is not clean`);
    }
    const unknown = [...row.keys()].filter((name) => !Object.hasOwn(shape, name));
    if (unknown.length > 0) throw invalid(`Unexpected keys (${unknown.join(', ')}) detected in parameter array.`);
    return {
      has: (name) => row.has(name),
      text: (name) => textOf(row, name) ?? '',
      int: (name) => int(row.get(name), name),
      raw: row,
    };
  });
}

/** A type and a value, as cohorts name what they mean. */
export function pairOf(row: Row, name: string): { type: string; value: string } {
  const pair = row.raw.get(name);
  const typeIn = pair instanceof Map ? textOf(pair, 'type') : undefined;
  const valueIn = pair instanceof Map ? textOf(pair, 'value') : undefined;
  if (typeIn === undefined || valueIn === undefined)
    throw invalid(`${name} => Missing required key in single structure: type`);
  return { type: typeIn, value: valueIn };
}

/** A list of numbers. */
export const idsOf = (call: Call, name: string): number[] => {
  if (!call.params.has(name)) throw invalid(`Missing required key in single structure: ${name}`);
  return listOf(call.params, name).map((id) => int(id, name));
};

/** Does a whole list or nothing: what was changed before an exception is put back, as a database transaction does. */
export function allOrNothing<T>(call: Call, work: () => T): T {
  const before = call.model.snapshot();
  try {
    return work();
  } catch (error) {
    call.model.restore(before);
    throw error;
  }
}

/** A course as the caller may use it, by its id. */
export function courseNamed(call: Call, id: number): MoodleCourse {
  const course = call.model.courses.get(id);
  if (course !== undefined) return course;
  throw failed('errorcoursecontextnotvalid', `You cannot execute functions in the course context (course id:${id}).`);
}
