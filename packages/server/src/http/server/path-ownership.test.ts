import { expect, test } from 'vitest';
import { PathOwnership } from '#http/server/path-ownership.ts';

const claim = (text: string) => {
  const [owner = '', path = ''] = text.split(' ');
  return { owner, path };
};

test.each([
  [['a /x', 'b /x'], 'a and b both claim /x'],
  [['a /v1/*', 'b /v1/models'], 'a and b both claim /v1/* and /v1/models'],
  [['a /v1/models/*', 'b /v1/*'], 'a and b both claim /v1/models/* and /v1/*'],
  [['a /v1/*', 'b /v1/*'], 'a and b both claim /v1/*'],
  [['a /v1/*', 'a /v1/x'], 'a claims /v1/* and /v1/x, which overlap'],
  [['a v1'], 'a claims "v1": a path starts with / and may end in /*'],
  [['a /v1/'], 'a claims "/v1/": a path starts with / and may end in /*'],
  [['a /*/x'], 'a claims "/*/x": a path starts with / and may end in /*'],
])('rejects %j', (claims, message) => {
  expect(() => new PathOwnership(claims.map(claim))).toThrow(message);
});

test('similar paths have separate owners', () => {
  const ownership = new PathOwnership(['a /v1', 'b /v1/*', 'c /v10', 'd /', 'e /v2/x/*'].map(claim));
  const owners = ['/v1', '/v1/a/:name', '/v10', '/', '/v2/x/y', '/v2/x', '/v2', '/v1x'];
  expect(owners.map((path) => ownership.ownerOf(path))).toEqual([
    'a',
    'b',
    'c',
    'd',
    'e',
    undefined,
    undefined,
    undefined,
  ]);
});
