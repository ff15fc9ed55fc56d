import { DaisError } from '@dais/api';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isInside, parseSource } from './version-source.ts';

const parse = (source: string) => parseSource(source, 'artifacts:');

describe('the meaning of a source', () => {
  test.each<[string, object]>([
    ['runs:/abc/model', { of: 'run', runId: 'abc', path: 'model' }],
    ['runs:/abc', { of: 'run', runId: 'abc', path: '' }],
    ['runs:/abc/a/b/', { of: 'run', runId: 'abc', path: 'a/b' }],
    ['models:/m-0123', { of: 'logged-model', id: 'm-0123' }],
    ['models:/flight delay/3', { of: 'version', name: 'flight delay', version: 3 }],
    ['models:/flight delay@champion', { of: 'alias', name: 'flight delay', alias: 'champion' }],
    ['models:/flight delay@latest', { of: 'newest', name: 'flight delay' }],
    ['models:/flight delay@Latest', { of: 'newest', name: 'flight delay' }],
    ['models:/flight delay/latest', { of: 'newest', name: 'flight delay' }],
    ['models:/flight delay/production', { of: 'newest', name: 'flight delay', stage: 'Production' }],
    ['models:/flight delay/None', { of: 'newest', name: 'flight delay', stage: 'None' }],
    ['artifacts:/1/abc/artifacts/model', { of: 'inside', uri: 'artifacts:/1/abc/artifacts/model' }],
    ['ARTIFACTS:/1/abc', { of: 'inside', uri: 'ARTIFACTS:/1/abc' }],
    ['/srv/models/x/', { of: 'inside', uri: '/srv/models/x' }],
    ['file:///srv/models/x', { of: 'inside', uri: 'file:///srv/models/x' }],
    ['s3://bucket/a..b/c', { of: 'elsewhere', uri: 's3://bucket/a..b/c' }],
    ['dbfs:/models/x', { of: 'elsewhere', uri: 'dbfs:/models/x' }],
    ['https://host/m?v=1', { of: 'elsewhere', uri: 'https://host/m?v=1' }],
    ['s3://bucket/100%', { of: 'elsewhere', uri: 's3://bucket/100%' }],
  ])('%s', (source, meaning) => {
    expect(parse(source)).toEqual(meaning);
  });

  test.each([
    's3://bucket/../other',
    's3://bucket/%2e%2e/other',
    's3://bucket/%252e%252e/other',
    's3://bucket/..%2f..%2fother',
    'artifacts://host:80/../../../',
    'artifacts:/1/abc/..%5c..',
    'file:///srv/models/../../etc',
    '/srv/models/../../etc/passwd',
    's3://bucket/a%00',
    's3://bucket/x?path=../../y',
    'relative/path',
    './model',
    'runs:/',
    'runs://host/abc/model',
    'runs:/.hidden/model',
    'models:/',
    'models://profile/name/1',
    'models:/name/newest',
    'models:/name/latest/1',
    'models:/@latest',
    'models:/name/0',
    'models:/a/b/c',
    'models:/name@a@b',
  ])('rejects %s', (source) => {
    expect(() => parse(source)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });

  test('rejects `..` in any encoding', () => {
    const escaped = fc.constantFrom('..', '%2e%2e', '.%2E', '%252e.', '%25252e%2e');
    const separator = fc.constantFrom('/', '%2f', '\\', '%5C', '%252f');
    fc.assert(
      fc.property(fc.webUrl(), escaped, separator, separator, (url, dots, before, after) => {
        expect(() => parse(`${url}${before}${dots}${after}x`)).toThrow('leaves its folder');
      }),
    );
  });

  test('any text is parsed or rejected, quickly', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 8192 }), (source) => {
        let outcome: unknown;
        try {
          outcome = parse(source);
        } catch (error) {
          outcome = error;
        }
        expect(Object.keys(outcome as object)).toContain(outcome instanceof DaisError ? 'code' : 'of');
      }),
    );
    const before = process.cpuUsage();
    expect(() => parse(`s3://b/${'%25'.repeat(2700)}2e%2e/`)).not.toThrow();
    // CPU time in µs.
    expect(process.cpuUsage(before).user).toBeLessThan(1_000_000);
  });
});

test.each([
  ['artifacts:/1/r/artifacts/m', 'artifacts:/1/r/artifacts', true],
  ['artifacts:/1/r/artifacts', 'artifacts:/1/r/artifacts', true],
  ['artifacts:///1//r/artifacts/m', 'artifacts:/1/r/artifacts', true],
  ['artifacts:/1/r/artifacts-2', 'artifacts:/1/r/artifacts', false],
  ['artifacts:/1/r', 'artifacts:/1/r/artifacts', false],
  ['artifacts:/1/R/artifacts', 'artifacts:/1/r/artifacts', false],
  ['file:///srv/a/m', '/srv/a', true],
  ['/srv/a/./m', 'file:/srv/a', true],
  ['/srv/ab', '/srv/a', false],
  ['s3://b/srv/a/m', '/srv/a', false],
])('%s inside %s: %j', (uri, folder, inside) => {
  expect(isInside(uri, folder)).toBe(inside);
});
