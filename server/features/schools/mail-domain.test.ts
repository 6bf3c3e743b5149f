import { describe, expect, it } from 'vitest';
import { domainOfEmail, foldDomain, isPublicMailDomain } from './mail-domain.ts';

describe('the mail domain of a register', () => {
  it('is read from a domain, an address of mail or a web address', () => {
    expect(foldDomain(' Lindenhof.NL ')).toBe('lindenhof.nl');
    expect(foldDomain('https://www.lindenhof.nl/contact?x=1')).toBe('lindenhof.nl');
    expect(foldDomain('@schule-köln.de')).toBe('xn--schule-kln-lcb.de');
    expect(domainOfEmail('a.b@lindenhof.nl')).toBe('lindenhof.nl');
  });

  it('is none where it is no domain', () => {
    for (const text of ['', 'lindenhof', 'a b.nl', '-x.nl', '127.0.0.1', 'x..nl', 'nl.']) {
      expect(foldDomain(text), text).toBeNull();
    }
  });

  it('proves nothing where anybody gets an address', () => {
    expect(isPublicMailDomain('gmail.com')).toBe(true);
    expect(isPublicMailDomain('lindenhof.nl')).toBe(false);
  });
});
