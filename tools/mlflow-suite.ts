/**
 * Runs MLflow's own server tests against Dais:
 *
 *   npx tsx --conditions=dais-source tools/mlflow-suite.ts CHECKOUT [--only TEXT] [--peer] [--write]
 *
 * CHECKOUT is a checkout of MLflow's repository; only its folder `tests` and `pyproject.toml` are used. The tests stay
 * unmodified: conformance/mlflow/upstream/dais_plugin.py replaces the fixtures that start a server. The client is the pinned
 * one of conformance/mlflow/upstream/requirements.txt. `--only` selects files by a part of their path. `--peer` runs the tests
 * with MLflow's own server instead, which shows the tests that fail because the checkout is of another version. `--write`
 * stores the score of the files that ran in conformance/mlflow/upstream/score.json; `npm run generate` then writes it into the
 * documentation.
 */
import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startDais } from '../packages/server/src/testing/start-dais.ts';
import { root } from './command.mjs';
import { environment } from './environment.mjs';
import { fileScore, mergeScores, scoreTable, type Score, type Suite, type TestResult } from './mlflow-suite/score.ts';
import { pythonEnvironment } from './python-env.mjs';

const FOLDER = join(root, 'conformance/mlflow/upstream');

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', default: '' },
    peer: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const [checkout] = positionals;
if (checkout === undefined) {
  process.stderr.write(
    'usage: npx tsx --conditions=dais-source tools/mlflow-suite.ts CHECKOUT [--only TEXT] [--peer] [--write]\n',
  );
  process.exit(2);
}
const suite = JSON.parse(await readFile(join(FOLDER, 'suite.json'), 'utf8')) as Suite;
const requirements = join(FOLDER, 'requirements.txt');
const python = join(await pythonEnvironment('mlflow-upstream', requirements), 'bin', 'python');
const folder = await mkdtemp(join(tmpdir(), 'dais-mlflow-suite-'));
const dais = flags.peer
  ? undefined
  : await startDais({ 'outbound.allowHosts': ['127.0.0.0/8', '::1/128', 'localhost'] });
try {
  // The package of the checkout must not be imported instead of the pinned one.
  await cp(join(resolve(checkout), 'tests'), join(folder, 'tests'), { recursive: true });
  await cp(join(resolve(checkout), 'pyproject.toml'), join(folder, 'pyproject.toml'));
  const files = [];
  for (const file of suite.files.filter((one) => one.includes(flags.only))) {
    files.push(fileScore(file, await runFile(file), suite));
    process.stdout.write(`${file} ended.\n`);
  }
  const score: Score = {
    date: new Date().toISOString().slice(0, 10),
    checkout: await versionOf(join(resolve(checkout), 'mlflow/version.py')),
    client: /^mlflow(?:\[[^\]]*\])?==(\S+)/m.exec(await readFile(requirements, 'utf8'))?.[1] ?? '',
    files,
  };
  process.stdout.write(`\n${scoreTable(score, flags.peer ? 'MLflow' : 'Dais')}\n`);
  if (flags.write) {
    const stored = join(FOLDER, 'score.json');
    const merged = mergeScores(JSON.parse(await readFile(stored, 'utf8')) as Score, score, suite);
    await writeFile(stored, `${JSON.stringify(merged, undefined, 2)}\n`);
  }
} finally {
  await dais?.stop();
  await rm(folder, { recursive: true, force: true });
}

async function versionOf(file: string): Promise<string> {
  return /^VERSION = "([^"]+)"/m.exec(await readFile(file, 'utf8'))?.[1] ?? 'unknown';
}

async function runFile(file: string): Promise<TestResult[]> {
  const results = join(folder, 'results.jsonl');
  await writeFile(results, '');
  const args = [
    '-m',
    'pytest',
    '-p',
    'dais_plugin',
    '-p',
    'no:cacheprovider',
    '-q',
    '--timeout=300',
    '--no-showlocals',
    file,
  ];
  const child = spawn(python, args, {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...environment,
      PATH: `${join(python, '..')}:${environment['PATH'] ?? ''}`,
      PYTHONPATH: `${FOLDER}:${folder}`,
      PYTHONDONTWRITEBYTECODE: '1',
      CI: 'false',
      MLFLOW_TELEMETRY_DISABLED: 'true',
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: '2',
      DAIS_SUITE: JSON.stringify(suite),
      DAIS_RESULTS: results,
      ...(dais !== undefined && { DAIS_URL: dais.url }),
    },
  });
  const code = await new Promise<number | null>((done, failed) => child.once('error', failed).once('close', done));
  // 1: tests failed; 5: all of them are excluded.
  if (code !== 0 && code !== 1 && code !== 5) throw new Error(`pytest ended with ${code} for ${file}`);
  const byTest = new Map<string, TestResult>();
  for (const line of (await readFile(results, 'utf8')).split('\n').filter((text) => text !== '')) {
    const result = JSON.parse(line) as TestResult;
    byTest.set(result.test, result);
  }
  return [...byTest.values()];
}
