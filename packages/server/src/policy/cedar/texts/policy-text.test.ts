import { expect, test } from 'vitest';
import { tooDeep } from './policy-text.ts';

const policy = (body: string) => `@id("a") forbid(principal, action, resource) when { ${body} };\n`;
const times = (n: number, text: string) => text.repeat(n);

test.each([
  ['brackets', policy(times(60, '(') + 'true' + times(60, ')')), 'nested deeper than 50'],
  ['sets in sets', policy(times(60, '[') + '1' + times(60, ']')), 'nested deeper than 50'],
  ['records in records', policy(times(60, '{a:') + '1' + times(60, '}')), 'nested deeper than 50'],
  ['one choice after the other', policy(`${times(60, 'if true then true else ')}false`), 'more than 50 `if`s'],
  ['alternatives', policy(times(600, 'true || ') + 'true'), 'more than 500 operators'],
  ['a path', policy(`context${times(1200, '.a')}`), 'more than 500 operators'],
])('reports endless %s', (_what, text, message) => {
  expect(tooDeep(text)?.message).toContain(message);
});

test.each([
  ['many policies', times(3000, policy('resource.name == "x" || resource.name like "*y"'))],
  ['a long set', policy(`[${times(5000, '"a.b", ')}"c"].contains(resource.name)`)],
  [
    'brackets in strings and comments',
    `${policy(`"${times(100, '(')}\\"${times(100, '[')}" == "x"`)}// ${times(100, '{')}`,
  ],
  ['words that begin like others', policy(times(100, 'iffy ') + times(100, 'x_if '))],
  ['what never ends', `"${times(100_000, '\\"')}`],
])('%s are not too deep', (_what, text) => {
  expect(tooDeep(text)).toBeUndefined();
});
