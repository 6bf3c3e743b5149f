import { describe, expect, it } from 'vitest';
import { signedHeader } from './oauth1.ts';

describe('the header of a signed call', () => {
  it('signs a query as it is decoded, whether a space comes as %20 or +, and shows no secret', () => {
    const secret = { clientId: 'key', clientSecret: 'se&cret' };
    const now = new Date('2026-11-20T12:00:00.900Z');
    const header = (query: string) =>
      signedHeader('oauth1-hmac-sha256', secret, `https://s.example/u?${query}`, now, 'n');
    const spaced = header("filter=role%3D'student'%20AND%20x%3D'1'");
    expect(header('filter=role%3D%27student%27+AND+x%3D%271%27')).toBe(spaced);
    expect(spaced).toMatch(
      /^OAuth oauth_consumer_key="key", oauth_nonce="n", oauth_signature_method="HMAC-SHA256", oauth_timestamp="1795176000", oauth_version="1\.0", oauth_signature="[\w%]+"$/,
    );
    expect(spaced).not.toContain('cret');
    expect(signedHeader('oauth1-hmac-sha256', secret, 'https://s.example/u', now)).not.toBe(
      signedHeader('oauth1-hmac-sha256', secret, 'https://s.example/u', now),
    );
  });
});
