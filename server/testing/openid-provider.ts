import { createServer } from 'node:http';
import { exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';

export interface TestOpenIdProvider {
  readonly issuer: string;
  /** The browser at the provider: signs in as this subject, agrees, and follows to the address that leads back. */
  signInAt(authorizationUrl: string, subject: string): Promise<string>;
  stop(): Promise<void>;
}

/** A certified OpenID provider that none of us wrote (panva/node-oidc-provider), on loopback, with one client. */
export async function startOpenIdProvider(client: {
  id: string;
  secret: string;
  redirectUri: string;
}): Promise<TestOpenIdProvider> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const issuer = `http://127.0.0.1:${address.port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: client.id, client_secret: client.secret, redirect_uris: [client.redirectUri] }],
    cookies: { keys: ['test'] },
    claims: { openid: ['sub'], profile: ['name'] },
    conformIdTokenClaims: false,
    ttl: { Interaction: 60, Session: 60, Grant: 60, AccessToken: 60, IdToken: 60, AuthorizationCode: 60 },
    jwks: { keys: [await signingKey()] },
    findAccount: (_ctx, subject) => ({
      accountId: subject,
      claims: () => ({
        sub: subject,
        name: `Name of ${subject}`,
        email: 'victim@school.example',
        email_verified: true,
      }),
    }),
  });
  server.on('request', provider.callback());
  return {
    issuer,
    signInAt: (authorizationUrl, subject) => walk(issuer, client.redirectUri, authorizationUrl, subject),
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function signingKey() {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig' };
}

async function walk(issuer: string, redirectUri: string, start: string, subject: string): Promise<string> {
  const jar = new Map<string, string>();
  let url = start;
  let form: URLSearchParams | null = null;
  for (let step = 0; step < 12; step += 1) {
    const response: Response = await fetch(url, {
      redirect: 'manual',
      method: form === null ? 'GET' : 'POST',
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form === null ? {} : { body: form }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      jar.set(name, value);
    }
    const to = response.headers.get('location');
    if (to !== null) {
      await response.body?.cancel();
      url = new URL(to, issuer).toString();
      form = null;
      if (url.startsWith(redirectUri)) return url;
      continue;
    }
    const page = await response.text();
    const action = /<form[^>]*action="([^"]+)"/.exec(page)?.[1];
    if (action === undefined) throw new Error(`the provider answered ${response.status} without a form`);
    url = new URL(action, issuer).toString();
    form = new URLSearchParams(
      page.includes('name="login"') ? { prompt: 'login', login: subject, password: 'any' } : { prompt: 'consent' },
    );
  }
  throw new Error('the provider never led back');
}
