import { expect, test } from 'vitest';
import { fileOnPage, splitCredentials } from './index-address.ts';

test('a file’s address is found in both forms of an index', () => {
  const page = 'https://index.example/simple/x/';
  const json = JSON.stringify({ files: [{ filename: 'x-1.whl', url: '../../files/x-1.whl#sha256=00' }] });
  expect(fileOnPage(page, 'application/vnd.pypi.simple.v1+json', json, 'x-1.whl')).toBe(
    'https://index.example/files/x-1.whl',
  );
  const html = `<a href="/a/other.whl">other.whl</a><a data-x='1' href='/f/x-1.whl?a=1&amp;b=2#sha256=00'>x-1.whl</a>`;
  expect(fileOnPage(page, 'text/html', html, 'x-1.whl')).toBe('https://index.example/f/x-1.whl?a=1&b=2');
  expect(fileOnPage(page, 'text/html', html, 'y.whl')).toBeUndefined();
});

test('credentials are taken out of an address', () => {
  expect(splitCredentials('https://bob:a%2Fb@index.example/simple//')).toEqual({
    url: 'https://index.example/simple',
    credentials: { user: 'bob', password: 'a/b' },
  });
  expect(splitCredentials('https://bob:50%@index.example').credentials).toEqual({ user: 'bob', password: '50%' });
  expect(splitCredentials('https://index.example/simple')).toEqual({ url: 'https://index.example/simple' });
});
