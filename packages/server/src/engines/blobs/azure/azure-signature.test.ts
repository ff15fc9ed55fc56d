import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { prefixesAfter } from './azure-list.ts';
import { AZURE_VERSION, signRequest, signSas } from './azure-signature.ts';

const accountKey = Buffer.from('key').toString('base64');
const key = { account: 'myaccount', accountKey };
const hmac = (text: string) => createHmac('sha256', 'key').update(text).digest('base64');

test('signs the text that the documentation of Shared Key describes', () => {
  const url = new URL('https://myaccount.blob.core.windows.net/mycontainer/a%20b?comp=block&blockid=MDA%3D');
  const headers = {
    'content-md5': 'hash',
    'x-ms-version': AZURE_VERSION,
    'x-ms-date': 'Fri, 26 Jun 2015 23:39:12 GMT',
  };
  const date = `x-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:${AZURE_VERSION}\n`;
  const resource = '/myaccount/mycontainer/a%20b\nblockid:MDA=\ncomp:block';
  expect(signRequest(key, { method: 'PUT', url, headers, bodyBytes: 11 })).toBe(
    `SharedKey myaccount:${hmac(`PUT\n\n\n11\nhash\n\n\n\n\n\n\n\n${date}${resource}`)}`,
  );
  expect(signRequest(key, { method: 'GET', url, headers: {}, bodyBytes: 0 })).toBe(
    `SharedKey myaccount:${hmac(`GET\n\n\n\n\n\n\n\n\n\n\n\n${resource}`)}`,
  );
});

test('signs a SAS of one blob with its response headers', () => {
  const sas = {
    container: 'c',
    blob: 'p/sha256/x',
    permissions: 'r',
    expiresAt: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
    disposition: 'attachment',
    contentType: 'application/octet-stream',
    insecure: false,
  };
  const query = signSas(key, sas);
  const text = `r\n\n2026-01-02T03:04:05Z\n/blob/myaccount/c/p/sha256/x\n\n\nhttps\n${AZURE_VERSION}\nb\n\n\n\nattachment\n\n\napplication/octet-stream`;
  expect(query.get('sig')).toBe(hmac(text));
  expect(Object.fromEntries(query)).toMatchObject({ sp: 'r', sr: 'b', spr: 'https', rscd: 'attachment' });
});

test.each([
  ['p/', undefined, ['p/']],
  ['p/', 'p/fff0', ['p/fff']],
  ['p/', 'p/ffe0', ['p/ffe', 'p/fff']],
  ['p/', 'p/d', ['p/d', 'p/e', 'p/f']],
  ['p/', 'p/x', ['p/']],
  ['p/', 'other', ['p/']],
])('prefixes after a position: %s %s', (prefix, after, expected) => {
  expect(prefixesAfter(prefix, after)).toEqual(expected);
});

test('the prefixes after a position contain every later name, once and in order', () => {
  const names = Array.from({ length: 4096 }, (_, n) => `p/${n.toString(16).padStart(3, '0')}0`);
  for (const after of ['p/000', 'p/0000', 'p/7ff0', 'p/7ff1', 'p/abc/', 'p/fff']) {
    const found = prefixesAfter('p/', after)
      .flatMap((prefix) => names.filter((name) => name.startsWith(prefix)))
      .filter((name) => name > after);
    expect(found).toEqual(names.filter((name) => name > after));
  }
});
