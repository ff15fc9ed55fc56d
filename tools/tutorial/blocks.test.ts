import { expect, test } from 'vitest';
import { readBlocks, showsOutput } from './blocks.ts';

const page = `# A page

\`\`\`yaml file=a.yaml
kind: Project
\`\`\`

\`\`\`sh
npm run build
\`\`\`

\`\`\`sh run exit=10
dais plan -f a.yaml
\`\`\`

\`\`\`text output
created  Project …
\`\`\`

\`\`\`sh run background
dais up
\`\`\`
`;

test('files, commands and what they print are read in order', () => {
  expect(readBlocks(page)).toEqual([
    { type: 'file', line: 3, name: 'a.yaml', text: 'kind: Project\n' },
    {
      type: 'run',
      line: 11,
      script: 'dais plan -f a.yaml\n',
      exit: 10,
      background: false,
      output: 'created  Project …\n',
    },
    { type: 'run', line: 19, script: 'dais up\n', exit: 0, background: true, output: undefined },
  ]);
});

test('an output needs commands before it', () => {
  expect(() => readBlocks('```text output\nx\n```\n')).toThrow('line 1');
});

test.each([
  ['equal', 'a\nb', 'a\nb\n', true],
  ['a gap within a line', 'age … s', 'age 3 s', true],
  ['a gap of lines', 'first\n…\nlast', 'first\n1\n2\nlast', true],
  ['a gap that is empty', 'first\n…\nlast', 'first\nlast', true],
  ['blanks at the ends of lines', 'a\nb', 'a  \nb', true],
  ['columns of another width', 'AGE   BY\n…     owner', 'AGE  BY\n12s  owner', true],
  ['another indentation', '  a', 'x', false],
  ['signs of patterns', 'a (b) [c] $1', 'a (b) [c] $1', true],
  ['another line', 'a', 'b', false],
  ['one line more', 'a', 'a\nb', false],
])('output is compared: %s', (_, shown, printed, expected) => {
  expect(showsOutput(shown, printed)).toBe(expected);
});
