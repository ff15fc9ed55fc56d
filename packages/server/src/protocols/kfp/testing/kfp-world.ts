/** For tests: the executions ledger with real environments, and pipelines that the KFP SDK compiled. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DaisError } from '@dais/api';
import type { Execution } from '@dais/api/executions';
import type { Environments } from '#engines/environments/contract.ts';
import { environmentsByType } from '#engines/environments/environments-by-type.ts';
import { openUvEnvironments } from '#engines/environments/uv/uv-environments.ts';
import { manifest } from '#kernel/testing/test-kernel.ts';
import { freshName } from '#kernel/testing/test-project.ts';
import type { Json, Values } from '#ledgers/executions/index.ts';
import { startExecutionsWorld, type ExecutionsWorld } from '#ledgers/executions/testing/executions-world.ts';
import { silentLog } from '#lib/log.ts';
import { TestNet } from '#lib/outbound/outbound.testing.ts';
import { run as runProgram } from '#lib/process.ts';
import { pythonEnvironment } from '../../../../../../tools/python-env.mjs';
import { findPython } from '../../../../../../tools/python.mjs';
import { uv, uvEnvironment } from '../../../../../../tools/uv.mjs';
import { KFP_FORMAT, kfpCompiler, readPipelineFile } from '../ir/index.ts';
import { kfpDialect } from '../runtime/index.ts';

const conformance = fileURLToPath(new URL('../../../../../../conformance/kfp/', import.meta.url));

export interface KfpWorld extends ExecutionsWorld {
  /** Creates a pipeline from this file. */
  upload(file: string | Buffer): Promise<string>;
  start(pipeline: string, parameters?: Readonly<Record<string, Json>>): Promise<Execution>;
  /** Uploads a pipeline and runs it to its end. */
  runFile(file: string | Buffer, parameters?: Readonly<Record<string, Json>>): Promise<Execution>;
  /** Returns the stored outputs of a node, or of the whole run without a node. */
  outputs(run: Pick<Execution, 'id'>, node?: string): Promise<Values>;
}

/** `images`: runs components whose images have no rule. Absent: they cannot run. */
export async function startKfpWorld(images?: Environments): Promise<KfpWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'dais-kfp-'));
  const { path: python } = await findPython();
  const PATH = `${dirname(python)}:/usr/bin:/bin`;
  const variables = stringsOf(await uvEnvironment());
  const net = new TestNet();
  const packages = openUvEnvironments({
    folder,
    maxBytes: 2 ** 34,
    uv: await uv(),
    sourceBuilds: 'never',
    outbound: net.client({ fail: (code, detail, cause) => new DaisError(code, detail, { cause }) }),
    environment: { ...variables, PATH },
    extraCa: variables['SSL_CERT_FILE'],
    now: () => Date.now(),
    log: silentLog,
  });
  const environments = images === undefined ? packages : environmentsByType(packages, images);
  const world = await startExecutionsWorld({
    environments: async () => await Promise.resolve(environments),
    compilers: new Map([[KFP_FORMAT, kfpCompiler({ now: () => Date.now() })]]),
    dialects: new Map([[kfpDialect.name, kfpDialect]]),
  });
  await world.worker();
  const upload: KfpWorld['upload'] = async (file) => {
    const name = freshName();
    await world.dais.apply([manifest('Pipeline', name, {})]);
    const document = readPipelineFile(Buffer.from(file));
    await world.dais.call('pipelineVersion.create', { name, format: KFP_FORMAT, document });
    return name;
  };
  const start: KfpWorld['start'] = async (name, parameters = {}) =>
    await world.dais.call<Execution>('pipeline.run', { name, parameters });
  return {
    ...world,
    upload,
    start,
    runFile: async (file, parameters) => await world.ended(await start(await upload(file), parameters)),
    outputs: async ({ id }, node = '') => {
      const [row] = await world.db.database.statement<{ outputs: Values }>(
        { mode: 'read', scope: 'all' },
        'select outputs from executions.node where run = $1 and path = $2',
        [id, node],
        'test_outputs',
      );
      return row?.outputs ?? {};
    },
    stop: async () => {
      await world.stop();
      await net.end();
      // Environments are read-only.
      await runProgram('chmod', ['-R', 'u+w', folder], { env: { PATH } });
      await rm(folder, { recursive: true });
    },
  };
}

function stringsOf(variables: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

type SdkLine = '2.17' | '2.15';

const REQUIREMENTS: Readonly<Record<SdkLine, string>> = {
  '2.17': 'requirements.txt',
  '2.15': 'requirements-2.15.txt',
};

/** Returns the pipelines of conformance/kfp/pipelines.py, compiled with this release of the SDK. */
export async function compiledPipelines(line: SdkLine): Promise<Readonly<Record<string, string>>> {
  const stdout = await runPython(line, [join(conformance, 'pipelines.py')]);
  return JSON.parse(stdout) as Readonly<Record<string, string>>;
}

/** Returns their outputs from kfp.local. */
export async function localOutputs(line: SdkLine, names: readonly string[]): Promise<unknown> {
  return JSON.parse(await runPython(line, [join(conformance, 'local_outputs.py'), ...names]));
}

async function runPython(line: SdkLine, words: readonly string[]): Promise<string> {
  const environment = await pythonEnvironment(`kfp-${line.replace('.', '-')}`, join(conformance, REQUIREMENTS[line]));
  const home = await mkdtemp(join(tmpdir(), 'dais-kfp-sdk-'));
  try {
    const bin = join(environment, 'bin');
    const end = await runProgram(join(bin, 'python'), ['-W', 'ignore', ...words], {
      env: { PATH: `${bin}:/usr/bin:/bin`, HOME: home, LANG: 'C.UTF-8' },
      cwd: home,
      timeoutMs: 300_000,
      maxOutputBytes: 16 << 20,
    });
    if (end.code !== 0) throw new Error(end.stderr.slice(-4000));
    return end.stdout.toString('utf8');
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
