#!/usr/bin/env node
/**
 * The one entry of the tool chain: node tools/run.mjs check | test | full | bench | build | docs | docs:build. Plain
 * Node without dependencies: it also runs on a fresh clone, where it installs what the lock names first. On Node 20 and
 * 22 it continues on the pinned Node 24.
 */
import { randomInt } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { mergeResults, readResults, renderResults, RESULTS_PAGE, thisMachine } from './bench-results.mjs';
import { benchSummary } from './bench-summary.mjs';
import { endCommands, root, runCommand } from './command.mjs';
import { ensureInstalled, installNeeded } from './install.mjs';
import { longTestsOfChange } from './long-tests.mjs';
import { runPhase } from './phase-bar.mjs';
import { machineCpuSeconds } from './process-cpu.mjs';
import { continueOnPinnedNode } from './runtime.mjs';
import { runSteps, seconds } from './steps.mjs';
import { benchmarks, checkSteps, command } from './tiers.mjs';
import { countsLine, PROJECTS_AT_ONCE, runVitest } from './vitest-run.mjs';

const USAGE = `usage: node tools/run.mjs <tier>

  check   format, words, lint, types, dead code, unit tests, generated files (≤ 2 minutes)
  test    check, build, integration, browser and conformance tests, and the long tests that the change can break
  full    test with 1,000 new examples of each property, then the site and the long runs; full SEED draws the same ones
  bench   every benchmark, one after the other, and what they claim; bench NAME those whose path has it;
          --write writes the results to ${RESULTS_PAGE}; other options are those of the benchmarks
  build   packages/{api,server,cli,web}/dist
  docs    the documentation site, live; docs:build writes it to docs/.vitepress/dist
`;

/** Two at a time: machines have two cores or more, and most steps use more than one thread. */
const AT_ONCE = 2;

const out = process.stdout;
const counts = { passed: 0, failed: 0, skipped: 0 };
let stopped = false;

/** @type {Record<string, () => Promise<boolean>>} */
const tiers = {
  check,
  test,
  full,
  bench,
  build,
  docs,
  'docs:build': docsBuild,
};

async function check() {
  return await phase('check', checkSteps(counts));
}

/**
 * Runs the tests that need a build. Each of these projects waits a third of its time or more: where there is memory for both,
 * two run at the same time, and the longest starts first.
 * @param {Record<string, string>} [env] how many examples each property is tried with, and their seed
 * @param {readonly string[]} [without] files that do not run
 */
async function builtTests(env = {}, without = []) {
  if (!(await python())) return false;
  const steps = ['int', 'e2e', 'conformance'].map((project) => vitest(project, env, [], without));
  return await phase('integration, browser and conformance', steps, PROJECTS_AT_ONCE);
}

/** Of the long tests, only those run that the change can break. */
async function test() {
  if (!(await check()) || !(await build())) return false;
  const { full: files, leftOut, lines } = await longTestsOfChange();
  out.write(`\n── long tests of the change\n${lines.join('\n')}\n`);
  if (!(await builtTests({}, leftOut))) return false;
  return files.length === 0 || (await phase('long runs of the change', [vitest('full', {}, files)]));
}

/** Continues after a failed part: a run of an hour reports all failures. */
async function full() {
  const seed = process.argv[3] ?? String(randomInt(2 ** 31));
  out.write(`\nexamples of properties: 1,000 each; the same again: npm run test:full -- ${seed}\n`);
  const env = { DAIS_PROPERTY_RUNS: '1000', DAIS_PROPERTY_SEED: seed };
  if (!(await check()) || !(await build())) return false;
  let ok = true;
  const parts = [() => builtTests(env), docsBuild, kubernetes, () => phase('long runs', [vitest('full', env)])];
  for (const part of parts) {
    if (stopped) return false;
    ok = (await part()) && ok;
  }
  return ok;
}

async function build() {
  return await phase('build', [command('packages', 'node', ['tools/build.mjs'])]);
}

async function bench() {
  const args = process.argv.slice(3);
  const name = args[0]?.startsWith('--') === false ? (args.shift() ?? '') : '';
  const options = args.filter((arg) => arg !== '--write');
  const all = benchmarks();
  const files = all.filter((file) => file.includes(name));
  if (files.length === 0) return fail(`no benchmark's path has "${name}"`);
  // Some measure the built packages.
  if (!(await build())) return false;
  const results = [];
  for (const file of files) {
    out.write(`\n── ${file}\n`);
    const runner = file.endsWith('.ts') ? ['tsx', '--conditions=dais-source'] : ['node'];
    const onOutput = (/** @type {string} */ text) => void out.write(text);
    const before = load();
    const program = [...runner.slice(1), file, ...options];
    const { code, output } = await runCommand(runner[0] ?? 'node', program, { quiet: true, onOutput });
    results.push({ file, code, output, load: `${before} to ${load()}` });
    if (stopped) return false;
  }
  out.write(`\n── what they claim\n${benchSummary(results)}\n`);
  if (args.includes('--write')) await writeResults(results, { files: all, isWhole: options.length === 0 });
  return results.every(({ code }) => code === 0);
}

/** @param {readonly { file: string, code: number, output: string, load: string }[]} results */
async function writeResults(results, /** @type {{ files: readonly string[], isWhole: boolean }} */ { files, isWhole }) {
  const page = join(root, RESULTS_PAGE);
  const before = existsSync(page) ? readFileSync(page, 'utf8') : '';
  const runs = results.map(({ file, code, output, load }) => ({ file, output, load, isWhole: isWhole && code === 0 }));
  const measurement = { date: new Date().toISOString().slice(0, 10), machine: thisMachine(), files };
  writeFileSync(page, renderResults(mergeResults(readResults(before), runs, measurement)));
  await runCommand('oxfmt', [page]);
  out.write(`\nresults: ${RESULTS_PAGE}\n`);
}

/** Returns the load average of the last minute. */
function load() {
  return (loadavg()[0] ?? 0).toFixed(1);
}

/** The site's tools have a separate lock: builds and tests need none of them. */
async function docsTools() {
  const folder = join(root, 'docs');
  const install = async (/** @type {import('./phase-bar.mjs').Report} */ report) =>
    await ensureInstalled(report, folder);
  if (installNeeded(folder)) await runPhase({ title: 'npm ci in docs/', unit: 'steps', out }, install);
  else await ensureInstalled(undefined, folder);
  return join(folder, 'node_modules', '.bin', 'vitepress');
}

async function docs() {
  const { code } = await runCommand(await docsTools(), ['dev', 'docs']);
  return code === 0;
}

async function docsBuild() {
  return await phase('docs', [command('site', await docsTools(), ['build', 'docs'])]);
}

/** The programs of the test cluster: the first build takes long, and prints its progress. */
async function kubernetes() {
  const { hasPrograms, kubernetesPrograms, VERSIONS } = await import('../conformance/kubernetes/programs.ts');
  const versions = /** @type {(keyof typeof VERSIONS)[]} */ (Object.keys(VERSIONS));
  const { hasKueue, KUEUE_RELEASE, kueuePrograms } = await import('../conformance/kubernetes/kueue-programs.ts');
  const missing = versions.filter((version) => !hasPrograms(version));
  const names = [...missing, ...(hasKueue() ? [] : [`Kueue ${KUEUE_RELEASE}`])];
  if (names.length === 0) return true;
  const build = async () => {
    for (const version of missing) await kubernetesPrograms(version);
    await kueuePrograms();
    return { ok: true };
  };
  return await phase('programs of Kubernetes', [{ name: names.join(', '), run: build }]);
}

/** The pinned uv, which the conformance tests build their environments with; announced, because it is a download. */
async function python() {
  const { uv, uvDownloadBytes, UV_VERSION } = await import('./uv.mjs');
  const bytes = uvDownloadBytes();
  if (bytes === 0) return true;
  out.write(`\n── Python tooling: uv ${UV_VERSION}, ${(bytes / 1e6).toFixed(0)} MB to download\n`);
  return await phase('python', [{ name: 'uv', run: async () => ({ ok: true, note: await uv() }) }]);
}

/**
 * @param {string} project
 * @param {Record<string, string>} [env]
 * @param {readonly string[]} [files] default: all of the project
 * @param {readonly string[]} [without] files that do not run
 * @returns {import('./steps.mjs').Step}
 */
function vitest(project, env = {}, files = [], without = []) {
  return {
    name: `vitest ${project}`,
    run: () => runVitest(project, { counts, env, files, without, mayBeEmpty: true }),
  };
}

/**
 * @param {string} title
 * @param {readonly import('./steps.mjs').Step[]} steps
 */
async function phase(title, steps, atOnce = AT_ONCE) {
  out.write(`\n── ${title}\n`);
  const before = machineCpuSeconds();
  const ok = await runSteps(steps, atOnce, out);
  out.write(cpuLine(title, before));
  return ok;
}

/**
 * The CPU of a test file lacks processes that lost their parent; this has all, and those of other programs.
 * @param {string} title
 * @param {number | undefined} before
 */
function cpuLine(title, before) {
  const now = machineCpuSeconds();
  if (now === undefined || before === undefined) return '';
  return `${title}: ${(now - before).toFixed(0)} s of CPU on this machine, other programs included\n`;
}

/** @param {string} why */
function fail(why) {
  process.stderr.write(`${why}\n`);
  return false;
}

/** @param {string} tier */
async function main(tier) {
  const run = tiers[tier];
  if (!run) {
    process.stderr.write(USAGE);
    return 2;
  }
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    process.once(signal, () => {
      stopped = true;
      endCommands(signal);
      process.stderr.write(`\nstopped by ${signal}\n`);
      process.exitCode = signal === 'SIGINT' ? 130 : 143;
    });
  }
  const started = performance.now();
  const cpuBefore = machineCpuSeconds();
  try {
    if (installNeeded()) await runPhase({ title: 'npm ci', unit: 'steps', out }, ensureInstalled);
    else await ensureInstalled();
    const ok = await run();
    out.write(
      `\n${tier}: ${ok ? 'ok' : 'FAILED'} after${seconds(performance.now() - started)}\n${cpuLine(tier, cpuBefore)}`,
    );
    if (counts.passed + counts.failed > 0) out.write(`${countsLine(counts)}\n`);
    return ok ? 0 : 1;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

const announce = (/** @type {string} */ text) => void out.write(text);
const code = (await continueOnPinnedNode(announce)) ?? (await main(process.argv[2] ?? ''));
process.exitCode ??= code;
