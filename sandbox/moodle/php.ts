/** How PHP reads a form: `a[0][b]=c` nests, `a[]=c` appends, and everything past `max_input_vars` is dropped without a word. */

export type PhpValue = string | PhpArray;
export type PhpArray = Map<string, PhpValue>;

function segmentsOf(name: string): string[] {
  const open = name.indexOf('[');
  if (open <= 0) return [name.replaceAll(/[. ]/g, '_')];
  const inner = [...name.slice(open).matchAll(/\[([^\]]*)\]/g)].map((match) => match[1] ?? '');
  return [name.slice(0, open).replaceAll(/[. ]/g, '_'), ...inner];
}

function put(into: PhpArray, [first = '', ...rest]: readonly string[], value: string): void {
  const key = first === '' ? String(into.size) : first;
  if (rest.length === 0) {
    into.set(key, value);
    return;
  }
  const known = into.get(key);
  const inner: PhpArray = known instanceof Map ? known : new Map();
  into.set(key, inner);
  put(inner, rest, value);
}

/** The variables of a query string or form body, as PHP fills `$_GET` and `$_POST`. */
export function parsePhp(text: string, maxInputVars: number, into: PhpArray = new Map()): PhpArray {
  let count = 0;
  for (const [name, value] of new URLSearchParams(text)) {
    count += 1;
    if (count > maxInputVars) break;
    put(into, segmentsOf(name), value);
  }
  return into;
}

/** The text of a variable; undefined if it is missing or a list. */
export function textOf(params: PhpArray, name: string): string | undefined {
  const value = params.get(name);
  return typeof value === 'string' ? value : undefined;
}

/** The list of a variable: its values in the order of their keys. */
export function listOf(params: PhpArray, name: string): readonly PhpValue[] {
  const value = params.get(name);
  return value instanceof Map ? [...value.values()] : [];
}
