import type { FormState } from './sign-in-actions.ts';

/** A form before it was sent. */
export const untouched: FormState = { code: null, seconds: null, password: null, email: '', name: '', done: false };
