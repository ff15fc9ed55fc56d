import { describe, expect, test } from 'vitest';
import { matchesAddress, matchesName, parseHostPattern } from './host-pattern.ts';

const name = (pattern: string, host: string, exact: boolean, port = 443) =>
  matchesName(parseHostPattern(pattern)!, host, port, exact);
const address = (pattern: string, host: string, port = 443) => matchesAddress(parseHostPattern(pattern)!, host, port);

describe('host patterns', () => {
  test.each([
    ['a.b', 'a.b', true, true],
    ['A.b.', 'a.B', true, true],
    ['a.b', 'a.b.', true, true],
    ['a.b', 'x.a.b', true, false],
    ['a.b', 'x.a.b', false, true],
    ['a.b', 'xa.b', false, false],
    ['.a.b', 'x.a.b', true, true],
    ['*.a.b', 'x.y.a.b', true, true],
    ['.a.b', 'a.b', true, false],
    ['.a.b', 'a.b', false, true],
    ['münchen.example', 'xn--mnchen-3ya.example', true, true],
    ['host:443', 'host', true, true],
    ['host:80', 'host', true, false],
    ['10.0.0.0/8', '10.example', false, false],
  ])('%s and the name %s (exact: %s): %s', (pattern, host, exact, expected) => {
    expect(name(pattern, host, exact)).toBe(expected);
  });

  test.each([
    ['10.0.0.0/8', '10.200.1.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '10.1.2.4', false],
    ['10.1.2.3:443', '10.1.2.3', true],
    ['10.1.2.3:80', '10.1.2.3', false],
    ['0.0.0.0/0', '1.2.3.4', true],
    ['0.0.0.0/0', '::1', false],
    ['127.0.0.0/8', '::ffff:127.0.0.1', false],
    ['::1', '::1', true],
    ['[::1]', '::1', true],
    ['[::1]:443', '::1', true],
    ['[::1]:80', '::1', false],
    ['fd00::/8', 'fd12::1', true],
    ['[fd00::]/8', 'fe80::1', false],
    ['example.com', '1.2.3.4', false],
  ])('%s and the address %s: %s', (pattern, host, expected) => {
    expect(address(pattern, host)).toBe(expected);
  });

  test.each([
    '',
    ' ',
    '10.0.0.0/33',
    '::/129',
    '10.0.0',
    '256.1.1.1',
    'a b',
    'http://a',
    'a/b',
    '-a',
    'a..b',
    'a:0',
    'a:70000',
    '[::1',
  ])('%j is no pattern', (text) => {
    expect(parseHostPattern(text)).toBeUndefined();
  });
});
