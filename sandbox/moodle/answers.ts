/** How the REST server writes what a function returned, and what went wrong. */

import type { Value } from './call.ts';

/** Records in a value: its length, or that of the list in it. */
export function rowsIn(value: Value): number | null {
  if (isList(value)) return value.length;
  if (value === null || typeof value !== 'object') return null;
  for (const name of ['courses', 'users', 'cohorts', 'saved']) {
    const list = name in value ? Reflect.get(value, name) : undefined;
    if (Array.isArray(list)) return list.length;
  }
  return null;
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

const entities = (value: string): string =>
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

function element(value: Value): string {
  if (isList(value)) return `<MULTIPLE>\n${value.map(element).join('')}</MULTIPLE>\n`;
  if (value === null) return '<VALUE null="null"/>\n';
  if (typeof value === 'object')
    return `<SINGLE>\n${Object.entries(value)
      .map(([key, inner]) => `<KEY name="${entities(key)}">${element(inner)}</KEY>\n`)
      .join('')}</SINGLE>\n`;
  return `<VALUE>${entities(typeof value === 'boolean' ? (value ? '1' : '0') : String(value))}</VALUE>\n`;
}

/** A value as Moodle's REST server writes XML, its default format. */
export function toXml(value: Value): string {
  return `<?xml version="1.0" encoding="UTF-8" ?>\n<RESPONSE>\n${element(value)}</RESPONSE>\n`;
}

/** An exception in XML. */
export function exceptionXml(exception: string, errorcode: string, message: string, debug: string): string {
  const info = debug === '' ? '' : `<DEBUGINFO>${entities(debug)}</DEBUGINFO>\n`;
  return `<?xml version="1.0" encoding="UTF-8" ?>\n<EXCEPTION class="${entities(exception)}">\n<ERRORCODE>${entities(errorcode)}</ERRORCODE>\n<MESSAGE>${entities(message)}</MESSAGE>\n${info}</EXCEPTION>\n`;
}
