import { describe, expect, it } from 'vitest';
import { isFromOwnPage } from './same-origin.ts';

const own = 'https://crosswalk.example.org';
const request = (headers: Record<string, string>, method = 'POST') => ({
  method,
  headers: new Headers({ 'content-type': 'application/json', origin: own, ...headers }),
});

describe('a request that changes something', () => {
  it('comes from a page of ours', () => {
    expect(isFromOwnPage(request({}), own)).toBe(true);
    expect(isFromOwnPage(request({ 'content-type': 'application/json; charset=utf-8' }), own)).toBe(true);
    expect(isFromOwnPage(request({ 'sec-fetch-site': 'same-origin' }), own)).toBe(true);
  });

  it.each([
    ['another site', { origin: 'https://evil.example' }],
    ['a sibling domain', { origin: 'https://www.crosswalk.example.org' }],
    ['our name without TLS', { origin: 'http://crosswalk.example.org' }],
    ['another port', { origin: 'https://crosswalk.example.org:8443' }],
    ['a sandboxed frame', { origin: 'null' }],
    ['nowhere', { origin: '' }],
    ['a sibling, says the browser', { 'sec-fetch-site': 'same-site' }],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['a form that says text', { 'content-type': 'text/plain' }],
    ['a form with a trick', { 'content-type': 'text/plain; application/json' }],
  ])('is refused from %s', (_what, headers) => {
    expect(isFromOwnPage(request(headers), own)).toBe(false);
  });

  it('is no GET', () => {
    expect(isFromOwnPage(request({}, 'GET'), own)).toBe(false);
  });

  it('may use any name of this machine in demo mode, and on a real name none', () => {
    expect(isFromOwnPage(request({ origin: 'http://127.0.0.1:3000' }), 'http://localhost:3000')).toBe(true);
    expect(isFromOwnPage(request({ origin: 'http://127.0.0.1:4000' }), 'http://localhost:3000')).toBe(false);
    expect(isFromOwnPage(request({ origin: 'http://127.0.0.1' }), own)).toBe(false);
  });
});
