import { expect, test } from 'vitest';
import { anyFileOnPage, fileOnPage, splitCredentials } from './index-address.ts';

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

test('credentials are removed from a URL', () => {
  expect(splitCredentials('https://bob:a%2Fb@index.example/simple//')).toEqual({
    url: 'https://index.example/simple',
    credentials: { user: 'bob', password: 'a/b' },
  });
  expect(splitCredentials('https://bob:50%@index.example').credentials).toEqual({ user: 'bob', password: '50%' });
  expect(splitCredentials('https://index.example/simple')).toEqual({ url: 'https://index.example/simple' });
});

test('the URL of any file on a page reveals the location of its files', () => {
  const json = JSON.stringify({ files: [{ filename: 'a.whl', url: 'https://files.example.com/a/a.whl' }] });
  expect(anyFileOnPage('https://index.example.com/simple/a/', 'application/json', json)).toBe(
    'https://files.example.com/a/a.whl',
  );
  const html = '<html><a href="../../packages/a.whl#sha256=00">a.whl</a></html>';
  expect(anyFileOnPage('https://index.example.com/simple/a/', 'text/html', html)).toBe(
    'https://index.example.com/packages/a.whl#sha256=00',
  );
  expect(anyFileOnPage('https://index.example.com/simple/a/', 'text/html', 'none')).toBeUndefined();
});
