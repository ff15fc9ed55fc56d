import { expect, test } from 'vitest';
import { evaluating, shellLines, shellNames } from '#shell/shell-lines.ts';

const nasty = `a'b"c\\d $HOME \`id\` ;# ‘x’`;

test.each(shellNames)('lines for %s', async (shell) => {
  const lines = shellLines(shell, { set: { A: 'http://h:1/p/x', B: nasty }, unset: ['C'] });
  await expect(`${lines}${evaluating(shell, 'dais env')}\n`).toMatchFileSnapshot(`__golden__/${shell}.txt`);
});
