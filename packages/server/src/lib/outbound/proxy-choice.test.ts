import { describe, expect, test } from 'vitest';
import { createProxyChoice } from './proxy-choice.ts';

const fail = (problem: string, detail: string) => new Error(`${problem}: ${detail}`);
const choose = (url: string, noProxy: string[] = []) =>
  createProxyChoice({ httpProxy: 'plain:3128', httpsProxy: 'http://secure:3129', noProxy }, fail)(new URL(url));

describe('the choice of a proxy', () => {
  test('uses the scheme of the call', () => {
    expect(choose('http://a.example')).toBe('http://plain:3128');
    expect(choose('https://a.example')).toBe('http://secure:3129');
    expect(createProxyChoice({ httpProxy: ' ', noProxy: [] }, fail)(new URL('http://a'))).toBeUndefined();
  });

  test.each([
    ['http://a.example', ['*'], true],
    ['http://a.example', ['example'], true],
    ['http://a.example', ['.example'], true],
    ['http://example', ['.example'], true],
    ['http://a.example', ['a.example:80'], true],
    ['http://a.example', ['a.example:8080'], false],
    ['http://a.example:8080', ['a.example:8080'], true],
    ['https://a.example', ['a.example:443'], true],
    ['http://notexample', ['example'], false],
    ['http://b.example', ['a.example, b.example'], true],
    ['http://b.example', ['a.example b.example'], true],
    ['http://10.1.2.3', ['10.0.0.0/8'], true],
    ['http://11.1.2.3', ['10.0.0.0/8'], false],
    ['http://[fd00::1]', ['fd00::/8'], true],
    ['http://[::1]:8080', ['[::1]:8080'], true],
    ['http://127.0.0.1', ['127.0.0.1,localhost'], true],
    ['http://localhost:9', ['127.0.0.1,localhost'], true],
    ['http://a.example', ['', '???'], false],
  ])('%s with NO_PROXY %j goes direct: %s', (url, noProxy, direct) => {
    expect(choose(url, noProxy) === undefined).toBe(direct);
  });

  test('an invalid proxy is reported without its text', () => {
    for (const httpProxy of ['socks5://user:hunter2@p:1', 'http://', 'http://user:hunter2@p:port']) {
      expect(() => createProxyChoice({ httpProxy, noProxy: [] }, fail)).toThrow(
        /^invalid_config: the proxy for HTTP is not an http:/,
      );
    }
  });
});
