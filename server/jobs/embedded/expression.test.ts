import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { holds, keyValue, parseCondition, parseKey } from './expression.ts';

const evaluate = (text: string, event: unknown, async?: unknown) => {
  const condition = parseCondition(text);
  return condition === null ? 'refused' : holds(condition, { event, async });
};

describe('conditions', () => {
  test.each([
    ["event.data.colour == 'red'", { data: { colour: 'red' } }, true],
    ['event.data.colour == "red"', { data: { colour: 'blue' } }, false],
    ["event.data.colour != 'red'", { data: { colour: 'blue' } }, true],
    ['event.data.n == 3', { data: { n: 3 } }, true],
    ['event.data.n == 3', { data: { n: '3' } }, false],
    ['event.data.on == true && event.data.n == -1.5', { data: { on: true, n: -1.5 } }, true],
    ['event.data.gone == null', { data: {} }, true],
    ["event.data.text == 'a && b == c'", { data: { text: 'a && b == c' } }, true],
    ["event.data.constructor == 'x'", { data: {} }, false],
  ])('%s', (text, event, expected) => {
    expect(evaluate(text, event)).toBe(expected);
  });

  test('compare the first event with the one that came in', () => {
    const text = 'event.data.key == async.data.key';
    expect(evaluate(text, { data: { key: 'k' } }, { data: { key: 'k' } })).toBe(true);
    expect(evaluate(text, { data: { key: 'k' } }, { data: { key: 'other' } })).toBe(false);
  });

  test.each([
    'event.data.a == 1 || event.data.b == 2',
    'event.data.n > 3',
    'event.data.list.size() == 0',
    'has(event.data.a)',
    '!(event.data.a == 1)',
    "event.data['a'] == 1",
    'event.data.a == 1 &&',
    'event == event',
    "event.data.a == 'it''s'",
    '',
  ])('whatever else is refused: %s', (text) => {
    expect(parseCondition(text)).toBeNull();
  });

  test('never throw, whatever the text and the event', () => {
    fc.assert(
      fc.property(fc.string(), fc.jsonValue(), (text, event) => {
        expect([true, false, 'refused']).toContain(evaluate(text, event));
      }),
    );
  });

  test('a quoted text holds for exactly that text', () => {
    const plain = fc.string().filter((text) => !/['\\]/.test(text));
    fc.assert(
      fc.property(plain, plain, (wanted, given) => {
        expect(evaluate(`event.data.x == '${wanted}'`, { data: { x: given } })).toBe(wanted === given);
      }),
    );
  });
});

describe('keys', () => {
  const key = (text: string, event: unknown) => {
    const operand = parseKey(text);
    return operand === null ? 'refused' : keyValue(operand, { event });
  };

  test('differ by value and by type', () => {
    const texts = ['1', 1, true, 'true', null, 'null', { a: 1 }].map((x) => key('event.data.x', { data: { x } }));
    expect(new Set(texts.slice(0, 5)).size).toBe(5);
    expect(key('event.data.x', { data: {} })).toBe('null');
    expect(key("'all'", {})).toBe('"all"');
  });

  test('that are put together are refused', () => {
    expect(key("event.data.a + '-' + event.data.b", {})).toBe('refused');
  });
});
