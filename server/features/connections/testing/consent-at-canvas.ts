import type { RunningCanvas } from '#sandbox/canvas/server.ts';
import { ask, post } from '#sandbox/testing/http.ts';

/** Walks through Canvas's consent page as somebody with an account there. @returns the query that comes back to us */
export async function consentAtCanvas(
  canvas: RunningCanvas,
  url: string,
  { login = 'canvas-admin', answer = 'accept' }: { login?: string; answer?: 'accept' | 'deny' } = {},
): Promise<URLSearchParams> {
  const signedIn = await post(`${canvas.url}/login/canvas`, {
    unique_id: login,
    password: canvas.logins.password,
    back: '/',
  });
  const headers = { cookie: (signedIn.headers.get('set-cookie') ?? '').split(';')[0] ?? '' };
  const page = await ask(url, { headers });
  const straightBack = page.headers.get('location');
  if (straightBack !== null) return new URL(straightBack).searchParams;
  const request = /name="request" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
  const reply = await post(`${canvas.url}/login/oauth2/${answer}`, { request }, headers);
  return new URL(reply.headers.get('location') ?? '').searchParams;
}
