import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readRequirements } from './requirement-lines.ts';

const HASH = `sha256:${'0123456789abcdef'.repeat(4)}`;

test.each([
  ['pandas', 'pandas', false, false],
  ['Pandas >= 2 , < 3', 'Pandas>=2,<3', false, false],
  ['pandas (>=2)', 'pandas>=2', false, false],
  ['pandas[excel, aws]==2.2.0', 'pandas[excel,aws]==2.2.0', true, false],
  ['pandas==2.*', 'pandas==2.*', false, false],
  ['torch==2.5.1+cpu', 'torch==2.5.1+cpu', true, false],
  ['x~=1.0; python_version < "3.12"', 'x~=1.0; python_version < "3.12"', false, false],
  ['x @ https://example.com/x-1.0-py3-none-any.whl', 'x @ https://example.com/x-1.0-py3-none-any.whl', true, false],
  [`x==1 --hash=${HASH}`, `x==1 --hash=${HASH}`, true, true],
])('accepts %s', (line, text, pinned, hashed) => {
  const { requirements, issues } = readRequirements([line], 'requirements');
  expect(issues).toEqual([]);
  expect(requirements).toMatchObject([{ text, pinned, hashed }]);
});

test.each([
  ['-e .', 'installs from a folder'],
  ['--editable=/etc', 'installs from a folder'],
  ['-r other.txt', 'includes another file'],
  ['-c constraints.txt', 'includes another file'],
  ['--requirement=/etc/passwd', 'includes another file'],
  ['--extra-index-url https://example.com', 'sets an index'],
  ['-f /srv/wheels', 'names a folder or page'],
  ['--pre', 'option of an installer'],
  ['./x', 'local path'],
  ['../x.whl', 'local path'],
  ['/srv/x.whl', 'local path'],
  ['folder/x.whl', 'local path'],
  ['file:///srv/x.whl', 'local path'],
  ['x @ file:///srv/x.whl', 'local path'],
  ['x @ ./x', 'local path'],
  ['x @ /srv/x', 'local path'],
  ['x @ FILE:/srv/x', 'local path'],
  ['x @ git+https://example.com/x', 'without a hash'],
  ['git+https://example.com/x', 'is a URL'],
  ['https://example.com/x.whl', 'is a URL'],
  ['x @ https://user:pass@example.com/x.whl', 'unsupported URL'],
  ['x @ https://example.com/${HOME}.whl', 'unsupported URL'],
  ['x==${HOME}', 'not a version clause'],
  ['x; python_version < "${HOME}"', 'marker'],
  ['x=1.0', 'write `==1.0`'],
  ['x==1 --hash=md5:00', 'only --hash=sha256'],
  ['x==1 --config-settings=a=b', '--config-settings'],
  ['x\n-r /etc/passwd', 'more than one line'],
  ['x'.repeat(5000), 'too long'],
  ['', 'local path'],
])('rejects %j', (line, message) => {
  const { requirements, issues } = readRequirements([line], 'requirements');
  expect(requirements).toEqual([]);
  expect(issues).toMatchObject([{ path: 'requirements[0]', message: expect.stringContaining(message) }]);
});

describe('any input', () => {
  const piece = fc.constantFrom(
    'x',
    '==1',
    ' @ ',
    'https://h/',
    'file:',
    '-r ',
    '${A}',
    '/',
    '..',
    ';',
    ' --hash=',
    HASH,
    ' ',
    '\n',
    "'",
  );
  const line = fc.array(fc.oneof(piece, fc.string({ maxLength: 4 })), { maxLength: 8 }).map((parts) => parts.join(''));

  test('accepted lines are stable in their normalized form and contain no variables', () => {
    fc.assert(
      fc.property(line, (text) => {
        const [first] = readRequirements([text], 'r').requirements;
        if (first === undefined) return;
        expect(first.text).not.toMatch(/\$|[\r\n]|file:|^-|(^|\s)[./]/);
        expect(readRequirements([first.text], 'r').requirements).toEqual([first]);
      }),
    );
  });
});
