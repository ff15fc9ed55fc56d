/**
 * Injects faults into a copy of the checkout, one after the other, and checks that tests of `npm test` fail with each.
 *
 *     npx tsx tools/mutation-check.ts
 *
 * For each fault it runs the tests that import the faulty file, the nearest first, until one fails. Then it runs that test
 * file without the fault. If it passes, the fault is detected; if it fails, the check continues with the other tests. Exit
 * code 1: a fault survived, or only tests that also fail without the fault failed.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { endCommands, runCommand } from './command.mjs';
import { copyCheckout, type CheckoutCopy } from './mutation/checkout-copy.ts';
import { faults, type Fault } from './mutation/faults.ts';
import { affectedTests, importersOf, locateFault, type Importers } from './mutation/locate.ts';
import { batchesOf, runTests } from './mutation/run-tests.ts';
import { readSources } from './mutation/sources.ts';

const HELP = `Checks that tests detect injected faults.

Usage: npx tsx tools/mutation-check.ts [options]

  --only TEXT       only faults whose module or name contains the text
  --list            lists the faults with the number of tests that can detect each, and runs nothing
  --whole           runs all of \`npm test\` for each fault instead of the tests that import the faulty file
  --seconds NUMBER  starts no more tests for a fault after this time (s); default: 900
  --help            prints this text
`;

interface Result {
  readonly fault: Fault;
  /** \`detected\`: a test failed, and passes without the fault. */
  readonly outcome: 'detected' | 'survived' | 'inconclusive';
  readonly detail: string;
  readonly seconds: number;
}

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    list: { type: 'boolean', default: false },
    whole: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '900' },
    help: { type: 'boolean', default: false },
  },
});

if (flags.help) process.stdout.write(HELP);
else process.exitCode = await main(Number(flags.seconds));

async function main(limitSeconds: number): Promise<number> {
  const selected = faults.filter(({ module, name }) => module === flags.only || name.includes(flags.only));
  if (selected.length === 0 || !(limitSeconds > 0)) {
    process.stderr.write(selected.length === 0 ? `No fault contains "${flags.only}". See --list.\n` : HELP);
    return 2;
  }
  let stopped = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stopped = true;
      endCommands(signal);
    });
  }
  const copy = await copyCheckout();
  try {
    const { files, read } = readSources(copy.folder, copy.files);
    const importers = importersOf(files, read);
    const results: Result[] = [];
    for (const fault of selected) {
      const { file, faulty } = locateFault(fault, files, read);
      const place = `${fault.module}: ${fault.name}\n  in ${file}`;
      if (flags.list) {
        process.stdout.write(`${place}, ${affectedTests(file, importers).length} tests\n`);
        continue;
      }
      process.stdout.write(`${place}\n`);
      const result = await check({ copy, fault, file, faulty, importers, limitSeconds });
      if (stopped) return 130;
      results.push(result);
      process.stdout.write(`  ${result.outcome} after ${result.seconds.toFixed(0)} s: ${result.detail}\n`);
    }
    return flags.list ? 0 : summarize(results);
  } catch (error) {
    // A signal ends the tests, too.
    if (stopped) return 130;
    throw error;
  } finally {
    await copy.remove();
  }
}

interface Check {
  readonly copy: CheckoutCopy;
  readonly fault: Fault;
  readonly file: string;
  readonly faulty: string;
  readonly importers: Importers;
  readonly limitSeconds: number;
}

async function check(parts: Check): Promise<Result> {
  const { copy, fault, file, faulty } = parts;
  const path = join(copy.folder, file);
  const correct = readFileSync(path, 'utf8');
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  try {
    writeFileSync(path, faulty);
    if (flags.whole) return { fault, ...(await runWhole(copy.folder)), seconds: seconds() };
    const tests = affectedTests(file, parts.importers);
    /** Tests that also fail without the fault: they cannot detect it. */
    const unrelated: string[] = [];
    let ran = 0;
    for (const batch of batchesOf(tests)) {
      for (;;) {
        const [first] = batch;
        const files = batch.map((one) => one.file).filter((one) => !unrelated.includes(one));
        if (first === undefined || files.length === 0 || seconds() >= parts.limitSeconds) break;
        const failed = await runTests(copy.folder, first.project, files);
        if (failed === undefined) {
          ran += files.length;
          break;
        }
        const detectedAfter = seconds();
        writeFileSync(path, correct);
        const without = await runTests(copy.folder, first.project, [failed.file]);
        const detail = `${failed.file}: ${failed.title}`;
        if (without === undefined) return { fault, outcome: 'detected', detail, seconds: detectedAfter };
        unrelated.push(failed.file);
        writeFileSync(path, faulty);
      }
    }
    const detail = `${ran} of the ${tests.length} test files that import it pass`;
    if (unrelated.length === 0) return { fault, outcome: 'survived', detail, seconds: seconds() };
    const note = `; without the fault, these fail, too: ${unrelated.join(', ')}`;
    return { fault, outcome: 'inconclusive', detail: detail + note, seconds: seconds() };
  } finally {
    writeFileSync(path, correct);
  }
}

async function runWhole(folder: string): Promise<Pick<Result, 'outcome' | 'detail'>> {
  const { code, output } = await runCommand(process.execPath, ['tools/run.mjs', 'test'], { cwd: folder, quiet: true });
  if (code === 0) return { outcome: 'survived', detail: 'npm test passes' };
  const failed = /^ FAIL +(.*)$/m.exec(output)?.[1] ?? /^FAIL (.*)$/m.exec(output)?.[1] ?? `exit code ${code}`;
  return { outcome: 'detected', detail: failed.trim() };
}

function summarize(results: readonly Result[]): number {
  const detected = results.filter(({ outcome }) => outcome === 'detected');
  process.stdout.write(`\n${detected.length} of ${results.length} faults are detected by tests.\n`);
  for (const { fault, outcome } of results) {
    if (outcome !== 'detected') process.stdout.write(`${outcome}: ${fault.module}: ${fault.name}\n`);
  }
  return detected.length === results.length ? 0 : 1;
}
