/**
 * CPU time of masking secret values for each MB of a step's output, by the number of secrets: the masker that the launcher
 * runs, in Perl, over text like that of a training.
 *
 *     npx tsx --conditions=dais-source benchmarks/log-masking.ts
 */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { MASKER_IN_PERL } from '../packages/server/src/engines/compute/process/shim/log-masker.ts';
import { run } from '../packages/server/src/lib/process.ts';
import { secretForms } from '../packages/server/src/lib/crypto/secret-forms.ts';
import { Claims } from './lib/claims.mjs';
import { benchmarkFolder } from './lib/cleanup.mjs';

const SECRETS = [0, 1, 10, 50];
const LINES = 600_000;
const ROUNDS = 3;
/** Milliseconds of CPU for a MB with one secret, which every step has: its token. */
const LIMIT_MS = 2;

/** Prints milliseconds of CPU for each MB of the file that is its argument. */
const MEASURE = String.raw`use strict; use POSIX ();
${MASKER_IN_PERL}
my ($file, @forms) = @ARGV;
my $mask = masker(map { pack 'H*', $_ } @forms);
open my $in, '<', $file or die;
my $size = 0;
while (my $got = sysread $in, my $bytes, 65536) { $size += $got; $mask->($bytes, 0) }
$mask->('', 1);
my ($user, $system) = times; print 1e9 * ($user + $system) / $size`;

const claims = new Claims();
const folder = benchmarkFolder('log-masking');
const file = join(folder, 'log');
const line = (n: number) =>
  `epoch ${n % 90} step ${n} loss ${(1 / (n + 1)).toFixed(6)} lr 0.0003 throughput ${n % 997} rows/s\n`;
await writeFile(file, Array.from({ length: LINES }, (_, n) => line(n)).join(''));
console.log(`${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}`);
for (const count of SECRETS) {
  const forms = secretForms(Array.from({ length: count }, () => randomBytes(24).toString('base64url')));
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const { code, stdout, stderr } = await run(
      'perl',
      ['-e', MEASURE, file, ...forms.map((form) => form.toString('hex'))],
      { env: { PATH: '/usr/local/bin:/usr/bin:/bin' } },
    );
    if (code !== 0) throw new Error(stderr);
    rounds.push(Number(stdout.toString()));
  }
  const cost = rounds.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)]!;
  const limit =
    count === 1
      ? `; at most ${LIMIT_MS} ms: ${claims.judge('masking with one secret', cost <= LIMIT_MS, `${cost.toFixed(2)} ms per MB`)}`
      : '';
  console.log(`${count} secrets (${forms.length} forms): ${cost.toFixed(2)} ms of CPU for each MB${limit}`);
}
claims.end();
