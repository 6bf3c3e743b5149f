import { domainToASCII } from 'node:url';

/** The domain of a folded address (people/email-address.ts `foldEmail`). */
export function domainOfEmail(folded: string): string {
  return folded.slice(folded.lastIndexOf('@') + 1);
}

/** A mail domain as it is compared: ASCII, lower case; null for what is none. `https://www.` is cut off, registers give web addresses. */
export function foldDomain(text: string): string | null {
  const bare = text
    .trim()
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/^@/, '')
    .replace(/[/?#].*$/, '')
    .replace(/^www\./, '');
  const ascii = domainToASCII(bare);
  return /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}$/.test(ascii) ? ascii : null;
}

/** Where anybody gets an address: such a domain proves no school, whatever a register says. */
const publicMailDomains = new Set([
  ...[
    'gmail.com',
    'googlemail.com',
    'outlook.com',
    'hotmail.com',
    'live.com',
    'msn.com',
    'yahoo.com',
    'ymail.com',
    'aol.com',
  ],
  ...[
    'icloud.com',
    'me.com',
    'mac.com',
    'proton.me',
    'protonmail.com',
    'gmx.com',
    'gmx.de',
    'gmx.net',
    'web.de',
    't-online.de',
  ],
  ...[
    'freenet.de',
    'mail.com',
    'mail.ru',
    'yandex.ru',
    'zoho.com',
    'fastmail.com',
    'hotmail.co.uk',
    'yahoo.co.uk',
    'btinternet.com',
  ],
  ...[
    'hotmail.nl',
    'live.nl',
    'ziggo.nl',
    'kpnmail.nl',
    'planet.nl',
    'xs4all.nl',
    'orange.fr',
    'free.fr',
    'laposte.net',
    'wanadoo.fr',
  ],
  ...[
    'comcast.net',
    'verizon.net',
    'att.net',
    'sbcglobal.net',
    'telenet.be',
    'skynet.be',
    'bluewin.ch',
    'libero.it',
    'qq.com',
    '163.com',
  ],
]);

export const isPublicMailDomain = (domain: string) => publicMailDomains.has(domain);
