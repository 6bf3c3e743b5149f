'use server';

import { cookies, headers } from 'next/headers';
import { redirect } from 'next/navigation';
import { signIn } from '#app/api/auth/auth.ts';
import { acceptInvitation } from '#server/features/people/accept-invitation.ts';
import { foldEmail } from '#server/features/people/email-address.ts';
import { deviceCookieName, deviceDays, deviceOfRequest, rememberDevice } from '#server/features/people/known-device.ts';
import { requestPasswordReset } from '#server/features/people/request-password-reset.ts';
import { resetPassword } from '#server/features/people/reset-password.ts';
import { readSessionToken } from '#server/features/people/session-token.ts';
import { type ErrorCode, isCrosswalkError } from '#server/kernel/errors.ts';
import {
  intentCookieName,
  intentSeconds,
  type OidcIntent,
  SignInRefused,
  sealIntent,
  sessionMark,
} from '#server/trpc/auth-config.ts';
import { createContext, webProcess } from '#server/trpc/context.ts';
import { safeNext } from './safe-next.ts';

/** What a form shows after it was sent in vain. */
export interface FormState {
  readonly code: ErrorCode | null;
  /** Seconds to wait, where it is `rate-limited`. */
  readonly seconds: number | null;
  /** What is wrong with a new password. */
  readonly password: string | null;
  /** What was typed, to type it but once. */
  readonly email: string;
  readonly name: string;
  /** Reached where there is nothing more to do on this page. */
  readonly done: boolean;
}

const text = (form: FormData, field: string) => {
  const value = form.get(field);
  return typeof value === 'string' ? value : '';
};

function stateOf(form: FormData, more: Partial<FormState> = {}): FormState {
  const typed = { email: text(form, 'email'), name: text(form, 'name') };
  return { code: null, seconds: null, password: null, done: false, ...typed, ...more };
}

/** A refusal as the form shows it; anything else is the error page's. */
function refusal(form: FormData, error: unknown): FormState {
  if (!isCrosswalkError(error)) throw error;
  const { details } = error;
  return stateOf(form, {
    code: error.code,
    seconds: error.retryAfterSeconds,
    password: typeof details.problem === 'string' && error.code === 'invalid-input' ? details.problem : null,
  });
}

/** Opens a session and remembers the device, by Auth.js and its cookie. */
async function openByPassword(email: string, password: string, code: string): Promise<void> {
  await signIn('password', { email, password, code, redirect: false });
  const { cookie } = await webProcess();
  const folded = foldEmail(email);
  if (folded === null) return;
  const value = await rememberDevice(cookie, await deviceOfRequest(cookie, await headers()), folded);
  (await cookies()).set(deviceCookieName(cookie), value, {
    httpOnly: true,
    sameSite: 'lax',
    path: '/',
    secure: cookie.secure,
    maxAge: deviceDays * 24 * 60 * 60,
  });
}

/** The sign-in form. */
export async function signInByForm(_before: FormState, form: FormData): Promise<FormState> {
  try {
    await openByPassword(text(form, 'email'), text(form, 'password'), text(form, 'code'));
  } catch (error) {
    if (!(error instanceof SignInRefused)) throw error;
    const [code = '', seconds] = error.code.split('.');
    return stateOf(form, {
      code: code === 'rate-limited' ? 'rate-limited' : code === 'sign-in-refused' ? 'sign-in-refused' : 'internal',
      seconds: seconds === undefined ? null : Number(seconds),
    });
  }
  return redirect(safeNext(text(form, 'next')));
}

/** Leaves for an OpenID provider, with what is meant by it in a sealed cookie of ten minutes. */
export async function leaveForProvider(form: FormData): Promise<void> {
  const { cookie, env } = await webProcess();
  const provider = env.oidc.find((one) => one.id === text(form, 'provider'));
  if (provider === undefined) return redirect('/sign-in');
  const token = await readSessionToken(cookie, await headers());
  const invitation = text(form, 'invitation');
  const intent: OidcIntent =
    text(form, 'meaning') === 'link' && token !== null
      ? { kind: 'link', session: sessionMark(token) }
      : invitation === ''
        ? { kind: 'sign-in' }
        : { kind: 'invitation', token: invitation };
  (await cookies()).set(intentCookieName(cookie), await sealIntent(cookie, intent), {
    httpOnly: true,
    sameSite: 'lax',
    path: '/',
    secure: cookie.secure,
    maxAge: intentSeconds,
  });
  await signIn(provider.id, { redirectTo: safeNext(text(form, 'next')) });
}

/** The form of a new person's invitation: makes the account and signs it in. */
export async function acceptByForm(_before: FormState, form: FormData): Promise<FormState> {
  const password = text(form, 'password');
  const typedEmail = text(form, 'email');
  let email: string;
  try {
    const ctx = await createContext({ headers: await headers() });
    const account = {
      name: text(form, 'name'),
      password,
      ...(typedEmail === '' ? {} : { email: typedEmail }),
    };
    ({ email } = await acceptInvitation({ ctx, input: { token: text(form, 'token'), account } }));
  } catch (error) {
    return refusal(form, error);
  }
  try {
    await openByPassword(email, password, '');
  } catch (error) {
    if (!(error instanceof SignInRefused)) throw error;
    // The account is made; only this network has failed too often just now.
    return redirect(`/sign-in?email=${encodeURIComponent(email)}`);
  }
  return redirect('/start');
}

/** The form of a forgotten password; it says the same to everybody. */
export async function askForReset(_before: FormState, form: FormData): Promise<FormState> {
  try {
    const { cookie } = await webProcess();
    const device = await deviceOfRequest(cookie, await headers());
    const ctx = await createContext({ headers: new Headers() });
    await requestPasswordReset({ ctx, input: { email: text(form, 'email'), device } });
  } catch (error) {
    return refusal(form, error);
  }
  return stateOf(form, { done: true });
}

/** The form of a new password. */
export async function resetByForm(_before: FormState, form: FormData): Promise<FormState> {
  let email: string;
  try {
    const ctx = await createContext({ headers: new Headers() });
    const input = { token: text(form, 'token'), password: text(form, 'password') };
    ({ email } = await resetPassword({ ctx, input }));
  } catch (error) {
    return refusal(form, error);
  }
  return redirect(`/sign-in?done=password&email=${encodeURIComponent(email)}`);
}
