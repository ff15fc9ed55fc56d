/** Compares both maskers with a simple model, for arbitrary splits of the input. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '#lib/process.ts';
import { MASK, MASKER_IN_JAVASCRIPT, MASKER_IN_PERL, maskFile } from './log-masker.ts';

const env = { PATH: '/usr/bin:/bin' };
/** Reads cases from standard input: forms and pieces in hexadecimal. Writes the masked result of each. */
const PERL_CASES = `use strict; use POSIX ();
${MASKER_IN_PERL}
$| = 1;
while (my $line = <STDIN>) {
  chomp $line;
  my ($forms, $pieces) = split /\\|/, $line, -1;
  my $mask = masker(map { pack 'H*', $_ } split /,/, $forms);
  my $out = '';
  $out .= $mask->(pack('H*', $_), 0) for split /,/, $pieces, -1;
  $out .= $mask->('', 1);
  print unpack('H*', $out), "\\n";
}
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-masker-'));
});
afterAll(async () => await rm(folder, { recursive: true }));

interface Case {
  readonly forms: readonly string[];
  readonly pieces: readonly string[];
}

/** Removes every byte that a form covers; adjacent or overlapping forms produce one mask. */
function model({ forms, pieces }: Case): string {
  const text = pieces.join('');
  const ranges: [number, number][] = [];
  for (let at = 0; at < text.length; at++) {
    const longest = Math.max(0, ...forms.filter((form) => text.startsWith(form, at)).map((form) => form.length));
    if (longest === 0) continue;
    const last = ranges.at(-1);
    if (last !== undefined && at <= last[1]) last[1] = Math.max(last[1], at + longest);
    else ranges.push([at, at + longest]);
  }
  let [out, at] = ['', 0];
  for (const [from, to] of ranges) {
    out += text.slice(at, from) + MASK;
    at = to;
  }
  return out + text.slice(at);
}

/** Few letters, so that forms often overlap, repeat and are split. */
const word = (max: number) => fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: max });
const anyCase: fc.Arbitrary<Case> = fc.record({
  forms: fc
    .uniqueArray(word(6), { minLength: 1, maxLength: 4 })
    .map((forms) => forms.toSorted((one, other) => other.length - one.length)),
  pieces: fc.array(word(9), { minLength: 1, maxLength: 12 }),
});
const hex = (text: string) => Buffer.from(text).toString('hex');

test('the masker of the launcher removes all of a secret, for any split of reads', async () => {
  const cases = fc.sample(anyCase, 5000);
  const input = cases.map(({ forms, pieces }) => `${forms.map(hex).join(',')}|${pieces.map(hex).join(',')}\n`).join('');
  const { stdout, stderr, code } = await run('perl', ['-e', PERL_CASES], { env, input, maxOutputBytes: 2 ** 26 });
  expect([code, stderr]).toEqual([0, '']);
  const results = stdout
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => Buffer.from(line, 'hex').toString());
  expect(results).toHaveLength(cases.length);
  const wrong = cases.flatMap((one, n) =>
    results[n] === model(one) ? [] : [{ ...one, was: results[n], want: model(one) }],
  );
  expect(wrong.slice(0, 3)).toEqual([]);
});

test('the masker of a shim without a launcher removes all of a secret', { timeout: 60_000 }, async () => {
  for (const one of fc.sample(anyCase, 20)) {
    await writeFile(join(folder, 'forms'), one.forms.map((form) => `${hex(form)}\n`).join(''));
    const writes = one.pieces.map((piece) => `printf ${piece}; sleep 0.01`).join('; ');
    const script = `exec 6<"$1"; { ${writes}; } | "$2" -e "$3"`;
    const args = ['-c', script, 'masker', join(folder, 'forms'), process.execPath, MASKER_IN_JAVASCRIPT];
    const { stdout } = await run('sh', args, { env });
    expect({ ...one, out: stdout.toString() }).toEqual({ ...one, out: model(one) });
  }
});

test('the file of forms is empty when there is nothing to mask', () => {
  expect([maskFile({}), maskFile({ SHORT: 'abcde' })]).toEqual(['', '']);
  expect(maskFile({ LONG: 'abcdef' })).toContain(`${hex('abcdef')}\n`);
});
