import { z } from 'zod';

/**
 * The part of CEL that the embedded executor evaluates: `path`, `literal`, `==`, `!=`, `&&`, where a path begins with
 * `event` (the event that started the run) or `async` (the one that just came in). Whatever else is refused when it is
 * parsed: at start for options of a function, at the step for `waitForEvent`.
 */
export type Operand =
  | { readonly kind: 'path'; readonly root: 'event' | 'async'; readonly keys: readonly string[] }
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null };

export interface Comparison {
  readonly left: Operand;
  readonly operator: '==' | '!=';
  readonly right: Operand;
}

export type Condition = readonly Comparison[];

/** What paths are looked up in. */
export interface Scope {
  readonly event: unknown;
  readonly async?: unknown;
}

const pathPattern = /^(event|async)((?:\.[A-Za-z_][A-Za-z0-9_]*)+)$/;
const stringPattern = /^'([^'\\]*)'$|^"([^"\\]*)"$/;
const numberPattern = /^-?\d+(\.\d+)?$/;

function parseOperand(text: string): Operand | null {
  const path = pathPattern.exec(text);
  if (path !== null) {
    return { kind: 'path', root: path[1] === 'async' ? 'async' : 'event', keys: (path[2] ?? '').slice(1).split('.') };
  }
  const quoted = stringPattern.exec(text);
  if (quoted !== null) return { kind: 'literal', value: quoted[1] ?? quoted[2] ?? '' };
  if (numberPattern.test(text)) return { kind: 'literal', value: Number(text) };
  if (text === 'true' || text === 'false') return { kind: 'literal', value: text === 'true' };
  if (text === 'null') return { kind: 'literal', value: null };
  return null;
}

/** Splits at a separator that stands outside quotes. */
function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = [];
  let quote = '';
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text[i] ?? '';
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if (character === "'" || character === '"') {
      quote = character;
    } else if (text.startsWith(separator, i)) {
      parts.push(text.slice(start, i));
      start = i + separator.length;
      i = start - 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

/** A conjunction of comparisons, or null where the text is anything else. */
export function parseCondition(text: string): Condition | null {
  const comparisons: Comparison[] = [];
  for (const part of splitOutsideQuotes(text, '&&')) {
    const operator = splitOutsideQuotes(part, '==').length === 2 ? '==' : '!=';
    const sides = splitOutsideQuotes(part, operator);
    const left = parseOperand((sides[0] ?? '').trim());
    const right = parseOperand((sides[1] ?? '').trim());
    if (sides.length !== 2 || left === null || right === null) return null;
    comparisons.push({ left, operator, right });
  }
  return comparisons;
}

/** A key: one path or literal, or null where the text is anything else. */
export function parseKey(text: string): Operand | null {
  return parseOperand(text.trim());
}

const recordSchema = z.record(z.string(), z.unknown());

function lookUp(operand: Operand, scope: Scope): unknown {
  if (operand.kind === 'literal') return operand.value;
  let value: unknown = operand.root === 'event' ? scope.event : scope.async;
  for (const key of operand.keys) {
    const record = recordSchema.safeParse(value);
    value = record.success && Object.hasOwn(record.data, key) ? record.data[key] : undefined;
  }
  return value ?? null;
}

/** True if every comparison holds. A missing value is `null`, as in the Inngest server. */
export function holds(condition: Condition, scope: Scope): boolean {
  return condition.every(({ left, operator, right }) => {
    const equal = JSON.stringify(lookUp(left, scope)) === JSON.stringify(lookUp(right, scope));
    return operator === '==' ? equal : !equal;
  });
}

/** The text of a key's value, one spelling per value and type. */
export function keyValue(key: Operand, scope: Scope): string {
  return JSON.stringify(lookUp(key, scope)) ?? 'null';
}
