import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '#lib/process.ts';
import { pythonEnvironment } from '../../../../../tools/python-env.mjs';
import { startDais, type StartedDais } from '#testing/start-dais.ts';

const folder = fileURLToPath(new URL('../../../../../conformance/schemathesis', import.meta.url));
const EVERYDAY = process.env['DAIS_PROPERTY_RUNS'] === undefined;
/**
 * The long runs use more examples per operation, and the phase that tries every boundary of every field: 54,589
 * requests and five minutes of CPU.
 */
const EXAMPLES = EVERYDAY ? 1 : 100;
const PHASES = ['examples', 'fuzzing', 'stateful', ...(EVERYDAY ? [] : ['coverage'])];
/** In ms. A hundred examples per operation take about ten minutes on two cores, and 25 minutes did not suffice at a load of 20. */
const PATIENCE = 3_600_000;

let dais: StartedDais;
let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'dais-schemathesis-'));
  dais = await startDais();
});
afterAll(async () => {
  await dais.stop();
  await rm(work, { recursive: true, force: true });
});

test(
  'Schemathesis finds no 5xx and no response outside the OpenAPI document',
  { timeout: PATIENCE + 60_000 },
  async () => {
    const environment = await pythonEnvironment('schemathesis', join(folder, 'requirements.txt'));
    const token = (await readFile(dais.tokenFile, 'utf8')).trim();
    const { code, stdout, stderr } = await run(
      join(environment, 'bin', 'schemathesis'),
      [
        'run',
        `${dais.url}/api/openapi.json`,
        `--header=Authorization: Bearer ${token}`,
        '--checks=not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance',
        // Streams never end; they have tests of their own.
        '--exclude-operation-id-regex=Watch$|\\.watch$',
        `--phases=${PHASES.join(',')}`,
        `--max-examples=${EXAMPLES}`,
        '--seed=1',
        // One: CPython 3.11 shares the parser depth between threads (gh-106905), which makes two workers fail.
        '--workers=1',
        '--request-timeout=20',
        '--generation-database=none',
        '--no-color',
        '--warnings=off',
      ],
      {
        // It writes a cache into its working folder.
        cwd: work,
        env: {
          PATH: '/usr/bin:/bin',
          LANG: 'C.UTF-8',
          SCHEMATHESIS_HOOKS: 'hooks',
          PYTHONPATH: folder,
        },
        timeoutMs: PATIENCE,
        maxOutputBytes: 4 << 20,
      },
    );
    expect({ code, output: code === 0 ? '' : `${stdout.toString('utf8').slice(-8000)}${stderr}` }).toEqual({
      code: 0,
      output: '',
    });
  },
);
