import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { shellLines } from '#shell/shell-lines.ts';

test.each([
  ['quoted', 'eval "$1"'],
  ['without quotes, as people type it', 'eval $(printf %s "$1")'],
])('a real shell evaluates them, %s', (_name, evaluate) => {
  const value = `a'b"c\\d $HOME \`id\` ;#`;
  const lines = shellLines('bash', { set: { A: value, B: 'last' }, unset: ['C'] });
  const script = `set -f; C=1; ${evaluate}; printf '%s|%s|%s' "$A" "$B" "\${C-none}"`;
  for (const shell of ['bash', 'sh']) {
    const ran = spawnSync(shell, ['-euc', script, shell, lines], { encoding: 'utf8' });
    expect(ran.stdout).toBe(`${value}|last|none`);
  }
});
