import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isCrosswalkError } from '../errors.ts';
import { parseAddress, reachOf } from './address.ts';
import {
  assertSameOrigin,
  isAllowed,
  type OutboundPolicy,
  originOf,
  parseAllowList,
  parseSshTarget,
  parseTarget,
} from './target.ts';

const production: OutboundPolicy = { mode: 'production', allow: [] };
const demo: OutboundPolicy = { mode: 'demo', allow: [] };
const allowing = (list: string): OutboundPolicy => ({ mode: 'production', allow: parseAllowList(list).entries });

function problemOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    if (isCrosswalkError(error, 'address-refused')) return error.details.problem;
    throw error;
  }
  return null;
}
const refused = (url: string, policy = production) => problemOf(() => parseTarget(url, policy));
const reach = (address: string) => {
  const parsed = parseAddress(address);
  return parsed === null ? null : reachOf(parsed);
};

describe('an address', () => {
  test.each([
    ['8.8.8.8', 'public'],
    ['2a00:1450:4001:80b::200e', 'public'],
    ['::ffff:8.8.8.8', 'public'],
    ['64:ff9b::8.8.8.8', 'public'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['::1', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['64:ff9b::7f00:1', 'loopback'],
    ['10.0.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.168.1.1', 'private'],
    ['100.64.0.1', 'private'],
    ['fd12:3456::1', 'private'],
    ['::ffff:10.0.0.1', 'private'],
    ['0.0.0.0', 'never'],
    ['::', 'never'],
    ['169.254.169.254', 'never'],
    ['::ffff:169.254.169.254', 'never'],
    ['64:ff9b::a9fe:a9fe', 'never'],
    ['100.100.100.200', 'never'],
    ['168.63.129.16', 'never'],
    ['fd00:ec2::254', 'never'],
    ['fe80::1', 'never'],
    ['fec0::1', 'never'],
    ['224.0.0.1', 'never'],
    ['255.255.255.255', 'never'],
    ['240.0.0.1', 'never'],
    ['192.0.2.1', 'never'],
    ['198.18.0.1', 'never'],
    ['ff02::1', 'never'],
    ['2002:7f00:1::', 'never'],
    ['2001:0:4136:e378:8000:63bf:3fff:fdd2', 'never'],
    ['2001:db8::1', 'never'],
    ['64:ff9b:1::a00:1', 'never'],
    ['::7f00:1', 'never'],
    ['::ffff:0:127.0.0.1', 'never'],
    ['fe80::1%eth0', null],
  ])('%s is %s', (address, expected) => {
    expect(reach(address)).toBe(expected);
  });
});

describe('a target', () => {
  test('is any public https address', () => {
    expect(parseTarget('https://sis.example.org/ims/oneroster?limit=100#part', production)).toMatchObject({
      hostname: 'sis.example.org',
      port: 443,
    });
    expect(refused('https://8.8.8.8/')).toBeNull();
    expect(refused('https://[2a00:1450:4001:80b::200e]:8443/')).toBeNull();
    expect(refused('https://школа.example/')).toBeNull();
  });

  test.each([
    ['not-an-address', 'sis.example.org'],
    ['not-an-address', 'https://'],
    ['not-an-address', 'https://sis..example.org/'],
    ['not-an-address', 'https://.../'],
    ['not-https', 'http://sis.example.org/'],
    ['not-https', 'http://8.8.8.8/'],
    ['not-https', 'http://10.0.0.1/'],
    ['not-https', 'ftp://sis.example.org/'],
    ['not-https', 'wss://sis.example.org/'],
    ['user-info', 'https://admin:secret@sis.example.org/'],
    ['user-info', 'https://sis.example.org@10.0.0.1/'],
    ['user-info', 'https://:secret@sis.example.org/'],
    ['port-refused', 'https://sis.example.org:22/'],
    ['port-refused', 'https://sis.example.org:25/'],
    ['port-refused', 'https://sis.example.org:80/'],
    ['port-refused', 'https://sis.example.org:6667/'],
    ['not-public', 'https://localhost/'],
    ['not-public', 'https://localhost./'],
    ['not-public', 'https://LOCALHOST/'],
    ['not-public', 'https://api.localhost/'],
    ['not-public', 'https://127.0.0.1/'],
    ['not-public', 'https://127.0.0.1./'],
    ['not-public', 'https://127.1/'],
    ['not-public', 'https://2130706433/'],
    ['not-public', 'https://0x7f000001/'],
    ['not-public', 'https://0x7f.0.0.1/'],
    ['not-public', 'https://0177.0.0.1/'],
    ['not-public', 'https://017700000001/'],
    ['not-public', 'https://①②⑦.0.0.1/'],
    ['not-public', 'https://127。0。0。1/'],
    ['not-public', 'https://%31%32%37.0.0.1/'],
    ['not-public', 'https://0/'],
    ['not-public', 'https://[::]/'],
    ['not-public', 'https://[::1]/'],
    ['not-public', 'https://[0:0:0:0:0:0:0:1]/'],
    ['not-public', 'https://[::ffff:127.0.0.1]/'],
    ['not-public', 'https://[::ffff:7f00:1]/'],
    ['not-public', 'https://[::ffff:a00:1]/'],
    ['not-public', 'https://[64:ff9b::10.0.0.1]/'],
    ['not-public', 'https://169.254.169.254/latest/meta-data/'],
    ['not-public', 'https://[fd00:ec2::254]/'],
    ['not-public', 'https://10.0.0.1/'],
    ['not-public', 'https://192.168.1.1/'],
    ['not-public', 'https://100.64.0.1/'],
    ['not-public', 'https://224.0.0.1/'],
  ])('is refused as %s: %s', (problem, url) => {
    expect(refused(url)).toBe(problem);
    if (problem !== 'not-public') expect(refused(url, demo)).toBe(problem);
  });

  test('is one with or without a trailing dot', () => {
    expect(parseTarget('https://sis.example.org./path', production).url.href).toBe('https://sis.example.org/path');
    expect(originOf('https://SIS.example.org.:443')).toBe('https://sis.example.org');
  });

  test('is loopback without TLS in demo mode alone, by a local name or literal', () => {
    for (const url of [
      'http://localhost:4010/',
      'http://127.0.0.1:4010/',
      'http://[::1]:4010/',
      'http://localhost.:4010/',
      'http://127.0.0.1:22/',
    ]) {
      expect(refused(url, demo)).toBeNull();
      expect(refused(url)).not.toBeNull();
    }
    expect(refused('http://10.0.0.1/', demo)).toBe('not-https');
    expect(refused('https://10.0.0.1/', demo)).toBe('not-public');
    const named = parseTarget('https://sis.example.org/', demo);
    expect(isAllowed(named, parseLiteral('127.0.0.1'), demo)).toBe(false);
  });

  test('is what OUTBOUND_ALLOW lists: host, port, network', () => {
    const private1 = parseLiteral('10.20.0.9');
    const reaches = (url: string, list: string, address = private1) => {
      const policy = allowing(list);
      return refused(url, policy) === null && isAllowed(parseTarget(url, policy), address, policy);
    };
    expect(reaches('https://sis.school.local/', '')).toBe(false);
    expect(reaches('https://sis.school.local/', 'sis.school.local')).toBe(true);
    expect(reaches('https://SIS.school.local./', 'sis.school.local')).toBe(true);
    expect(reaches('https://lms.school.local/', 'sis.school.local')).toBe(false);
    expect(reaches('https://sis.school.local.evil.example/', 'sis.school.local')).toBe(false);
    expect(reaches('https://sis.school.local:8443/', 'sis.school.local:8443')).toBe(true);
    expect(reaches('https://sis.school.local/', 'sis.school.local:8443')).toBe(false);
    expect(reaches('https://sis.school.local:444/', 'sis.school.local')).toBe(false);
    expect(reaches('https://sis.school.local:444/', 'sis.school.local:444')).toBe(true);
    expect(reaches('https://sis.school.local/', '10.20.0.0/16')).toBe(true);
    expect(reaches('https://10.20.0.9/', '10.20.0.0/16')).toBe(true);
    expect(reaches('https://10.21.0.9/', '10.20.0.0/16', parseLiteral('10.21.0.9'))).toBe(false);
    expect(reaches('https://[fd12::9]/', 'fd12::/16', parseLiteral('fd12::9'))).toBe(true);
    expect(reaches('http://sis.school.local/', 'sis.school.local')).toBe(false);
  });

  test('never reaches metadata, link-local or another service of ours, whatever is listed', () => {
    const policy = allowing('sis.school.local 0.0.0.0/0 ::/0 169.254.169.254');
    const target = parseTarget('https://sis.school.local/', policy);
    for (const address of ['169.254.169.254', 'fe80::1', '224.0.0.1', '0.0.0.0', '100.100.100.200']) {
      expect(isAllowed(target, parseLiteral(address), policy)).toBe(false);
    }
    const named = allowing('sis.school.local');
    expect(isAllowed(parseTarget('https://sis.school.local/', named), parseLiteral('127.0.0.1'), named)).toBe(false);
  });

  test('reaches loopback in production where its name or network is listed', () => {
    expect(refused('http://localhost:4010/', allowing('localhost:4010'))).toBeNull();
    expect(refused('http://localhost:4011/', allowing('localhost:4010'))).toBe('not-public');
    expect(refused('http://127.0.0.1:4010/', allowing('127.0.0.0/8'))).toBeNull();
  });
});

function parseLiteral(text: string) {
  const address = parseAddress(text);
  if (address === null) throw new Error('not an address');
  return address;
}

describe('any spelling of a private address', () => {
  const octets = fc
    .constantFrom([10], [127], [169, 254], [172, 16], [192, 168], [100, 64], [0], [224], [255, 255, 255, 255])
    .chain((start) =>
      fc.tuple(
        ...[0, 1, 2, 3].map((index) =>
          start[index] === undefined ? fc.integer({ min: 0, max: 255 }) : fc.constant(start[index]),
        ),
      ),
    );
  const base = fc.constantFrom('decimal' as const, 'octal' as const, 'hexadecimal' as const);
  const spell = (value: number, how: 'decimal' | 'octal' | 'hexadecimal') =>
    how === 'decimal' ? String(value) : how === 'octal' ? `0${value.toString(8)}` : `0x${value.toString(16)}`;
  const wide = (text: string) => text.replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)));

  const spellings4 = fc
    .tuple(octets, fc.integer({ min: 1, max: 4 }), fc.tuple(base, base, base, base), fc.boolean(), fc.boolean())
    .map(([bytes, parts, bases, dot, fullWidth]) => {
      // inet_aton: the last part takes all bytes that are left.
      const whole = bytes.slice(0, parts - 1);
      const rest = bytes.slice(parts - 1).reduce((sum, byte) => sum * 256 + byte, 0);
      const text = [...whole, rest].map((value, index) => spell(value, bases[index] ?? 'decimal')).join('.');
      return `${fullWidth ? wide(text) : text}${dot ? '.' : ''}`;
    });
  const spellings6 = fc
    .tuple(
      octets,
      fc.constantFrom('::ffff:', '0:0:0:0:0:ffff:', '::FFFF:', '64:ff9b::', '0064:ff9b:0:0:0:0:', '2002:', '::'),
      fc.boolean(),
    )
    .map(([bytes, prefix, dotted]) => {
      const [a = 0, b = 0, c = 0, d = 0] = bytes;
      const groups = `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
      if (prefix === '2002:') return `[2002:${groups}::]`;
      return `[${prefix}${dotted ? bytes.join('.') : groups}]`;
    });

  test('is refused', () => {
    fc.assert(
      fc.property(fc.oneof(spellings4, spellings6), fc.constantFrom('', ':8443'), (host, port) => {
        expect(refused(`https://${host}${port}/`)).toBe('not-public');
        expect(refused(`http://${host}${port}/`)).not.toBeNull();
      }),
      { numRuns: 2000 },
    );
  });

  test('is refused as a resolved address too, whatever name stands before it', () => {
    const target = parseTarget('https://sis.example.org/', demo);
    fc.assert(
      fc.property(octets, fc.constantFrom('', '::ffff:', '64:ff9b::'), (bytes, prefix) => {
        expect(isAllowed(target, parseLiteral(`${prefix}${bytes.join('.')}`), demo)).toBe(false);
      }),
    );
  });

  test('is told apart from every public one', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(refused(`https://${address}/`) === null).toBe(reach(address) === 'public');
      }),
    );
  });
});

describe('OUTBOUND_ALLOW', () => {
  test('takes hosts, ports, networks and single addresses', () => {
    const { entries, wrong } = parseAllowList(
      'sis.school.local, LMS.school.local:8443 10.0.0.0/8\nfd12::/16,10.1.2.3,10.1.2.3:9443,[fd12::1]:443,[fd12::1],localhost:4000,10.0.0.0/8:443,cafe:8443',
    );
    expect(wrong).toEqual([]);
    expect(
      entries.map(({ host, port, network }) => host ?? `${network?.[0].toString()}/${network?.[1]}:${port}`),
    ).toEqual([
      'sis.school.local',
      'lms.school.local',
      '10.0.0.0/8:null',
      'fd12::/16:null',
      '10.1.2.3/32:null',
      '10.1.2.3/32:9443',
      'fd12::1/128:443',
      'fd12::1/128:null',
      'localhost',
      '10.0.0.0/8:443',
      'cafe',
    ]);
  });

  test.each([
    'https://sis.school.local',
    '*.school.local',
    'sis.school.local/path',
    '10.0.0.0/33',
    '10.1',
    'a:b:c',
    'host:0',
    'host:99999',
    '-x',
  ])('refuses %s', (text) => {
    expect(parseAllowList(text).wrong).toEqual([text]);
  });
});

describe('a link in a foreign answer', () => {
  const base = 'https://sis.example.org/ims/oneroster/v1p2/classes?limit=100';
  test('is followed on the same origin, relative or absolute', () => {
    expect(assertSameOrigin('?offset=100', base).href).toBe(
      'https://sis.example.org/ims/oneroster/v1p2/classes?offset=100',
    );
    expect(assertSameOrigin('https://SIS.example.org.:443/x', base).pathname).toBe('/x');
  });

  test.each([
    ['other-origin', 'https://evil.example/ims/oneroster'],
    ['other-origin', '//evil.example/ims'],
    ['other-origin', '\\\\evil.example\\ims'],
    ['other-origin', 'http://sis.example.org/ims'],
    ['other-origin', 'https://sis.example.org:8443/ims'],
    ['other-origin', 'https://sis.example.org.evil.example/'],
    ['other-origin', 'data:application/json,[]'],
    ['other-origin', 'javascript:alert(1)'],
    ['user-info', 'https://sis.example.org@evil.example/'],
    ['user-info', 'https://user:word@sis.example.org/'],
    ['not-an-address', 'https://['],
  ])('is refused as %s: %s', (problem, link) => {
    expect(problemOf(() => assertSameOrigin(link, base))).toBe(problem);
  });
});

describe('a server of SSH', () => {
  const ofSsh = (host: string, port: number, policy = production) =>
    problemOf(() => parseSshTarget(host, port, policy));

  test('is public and listens at 22 or at a port of its own', () => {
    expect(parseSshTarget('SFTP.school.example', 22, production)).toMatchObject({
      hostname: 'sftp.school.example',
      port: 22,
    });
    expect(ofSsh('sftp.school.example', 2222)).toBeNull();
    expect(ofSsh('2a00:1450:4001:80b::200e', 22)).toBeNull();
    expect(ofSsh('sftp.school.example', 25)).toBe('port-refused');
    expect(ofSsh('sftp.school.example', 6000)).toBe('port-refused');
  });

  test('is no address of ours, unless it is listed', () => {
    for (const host of ['127.0.0.1', 'localhost', '10.20.0.9', '::1', '169.254.169.254', '0x7f.1']) {
      expect(ofSsh(host, 22), host).toBe('not-public');
    }
    expect(ofSsh('10.20.0.9', 22, allowing('10.20.0.9:22'))).toBeNull();
    expect(ofSsh('10.20.0.9', 2222, allowing('10.20.0.9:22'))).toBe('not-public');
    expect(ofSsh('169.254.169.254', 22, allowing('169.254.0.0/16'))).toBe('not-public');
    expect(ofSsh('127.0.0.1', 2222, demo)).toBeNull();
  });

  test('is a bare host', () => {
    for (const host of ['', 'a/b', 'a?b', 'a#b', 'a:2222', 'me@a', 'a b']) {
      expect(ofSsh(host, 22), host).toEqual(expect.any(String));
    }
  });
});
