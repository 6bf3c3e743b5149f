import { NonRetriableError, RetryAfterError, StepError } from 'inngest';
import { expect, test } from 'vitest';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { portableError } from './job-errors.ts';

test('of a foreign error nothing leaves a job but that it was one', () => {
  const error = portableError(new Error('duplicate key (email)=(mia@school.example)'));
  expect([error.message, error.stack]).toEqual(['internal', 'Error: internal']);
  expect(portableError('mia@school.example').message).toBe('internal');
  expect(portableError(new NonRetriableError('mia@school.example')).message).toBe('internal');
});

test('an error of the house leaves as its code and is tried again if its disposition says so', () => {
  const refused = portableError(new CrosswalkError('credential-refused', { details: { host: 'sis.example' } }));
  expect(refused).toBeInstanceOf(NonRetriableError);
  expect(refused.message).toBe('credential-refused');
  const down = portableError(new CrosswalkError('foreign-unavailable'));
  expect(down).not.toBeInstanceOf(NonRetriableError);
  expect(down.message).toBe('foreign-unavailable');
});

test('a wait that the other side asked for is handed on', () => {
  const throttled = portableError(new CrosswalkError('foreign-throttled', { retryAfterSeconds: 7 }));
  expect(throttled).toBeInstanceOf(RetryAfterError);
  expect(throttled instanceof RetryAfterError && throttled.retryAfter).toBe('7');
});

test('the error of an earlier step is left as it is, so that the SDK knows it', () => {
  const error = new StepError('step', { name: 'Error', message: 'timed-out' });
  expect(portableError(error)).toBe(error);
});
