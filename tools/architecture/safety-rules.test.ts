import { expect, test } from 'vitest';
import { plant } from './plant.ts';
import { checkSafety } from './safety-rules.ts';

const server = 'packages/server/src';

const allowed = {
  [`${server}/lib/process.ts`]: `import { spawn } from 'node:child_process';`,
  [`${server}/lib/outbound/client.ts`]: `await fetch('x');`,
  [`${server}/config-load.ts`]: 'const port = process.env.DAIS_PORT;',
  [`${server}/kernel/store.ts`]: `stream.on('data', f); const fetch = 'not a call'; // Endpoint, process.env, fetch()`,
  [`${server}/kernel/store.test.ts`]: `const kind = 'Endpoint'; process.env.X; await fetch('http://127.0.0.1');`,
  [`${server}/engines/compute/process/shim/shim.ts`]: `import type { ChildProcess } from 'node:child_process';`,
  [`${server}/ledgers/tracking/index.ts`]: `/** Names as mlflow allows them. */ export const x = 1; export * as rows from './rows.ts';`,
  [`${server}/http/native.ts`]: `import type { Kernel } from '#kernel/kernel.ts'; import { ANONYMOUS } from '#kernel/principal.ts';`,
  [`${server}/protocols/mlflow/index.ts`]: `export const prefix = '/api/2.0/mlflow';`,
  'packages/api/src/kinds/endpoint.ts': 'export const endpoint = 1;',
  'packages/api/src/client/client.ts': `await fetch('/api/v1/server');`,
  'tools/run.mjs': `import { spawn } from 'node:child_process';`,
  'packages/web/vite.config.ts': 'export default {};',
};

test('what is allowed is no breach', () => {
  expect(checkSafety(plant(allowed))).toEqual([]);
});

test.each([
  [`${server}/http/x.ts`, `import { spawn } from 'child_process';`, 'imported only in lib/process.ts'],
  [`${server}/http/x.ts`, `const { Worker } = await import('node:worker_threads');`, 'imported only in lib/process.ts'],
  [`${server}/http/x.ts`, `await fetch('http://x');`, 'use lib/outbound'],
  [`${server}/http/x.ts`, `await globalThis.fetch('http://x');`, 'use lib/outbound'],
  [`${server}/http/x.ts`, 'const home = process.env.HOME;', 'process.env is read in one file'],
  [`${server}/http/x.ts`, 'const { HOME } = process.env;', 'process.env is read in one file'],
  [`${server}/http/x.ts`, `import { env } from 'node:process';`, 'process.env is read in one file'],
  [`${server}/http/x.ts`, `export * from './y.ts';`, 'name the exports'],
  [`${server}/http/x.ts`, 'export default 1;', 'exports have names'],
  [`${server}/http/x.ts`, 'const a = 1; export { a as default };', 'exports have names'],
  [`${server}/http/x.test.ts`, `vi.mock('./y.ts');`, 'use the real thing'],
  [`${server}/http/x.ts`, 'const = 1;', 'Unexpected token'],
  [`${server}/http/x.ts`, `import { readResource } from '#kernel/store.ts';`, 'a door calls the dispatcher'],
  [
    `${server}/protocols/mlflow/x.ts`,
    `import { transact } from '#kernel/transaction.ts';`,
    'a door calls the dispatcher',
  ],
  [`${server}/ledgers/tracking/x.ts`, `const origin = 'mlflow';`, '"mlflow" exists'],
  [`${server}/kinds/model/x.ts`, 'export function readMlflowModel() {}', '"Mlflow" exists'],
  [`${server}/kinds/endpoint/x.ts`, 'const openInferencePort = 1;', '"openInference" exists'],
  [`${server}/kinds/model/kfp-import.ts`, 'export {};', '"kfp" exists'],
  [`${server}/kernel/x.ts`, `if (kind === 'Endpoint') f();`, 'contains "Endpoint"'],
  [`${server}/kernel/x.ts`, 'const ledger = `tracking`;', 'contains "tracking"'],
])('a planted breach is found: %s %s', (path, text, why) => {
  const breaches = checkSafety(plant({ ...allowed, [path]: text }));
  expect(breaches.map((breach) => breach.why)).toEqual([expect.stringContaining(why)]);
});

test('a kernel of more than 4,200 code lines is found; comments, blank lines, tests and migrations do not count', () => {
  const lines = (count: number) => 'f();\n\n// why\n'.repeat(count);
  const small = {
    ...allowed,
    [`${server}/kernel/a.ts`]: lines(4199),
    [`${server}/kernel/a.test.ts`]: lines(300),
    [`${server}/kernel/migrations/0001-a.ts`]: lines(9),
  };
  expect(checkSafety(plant(small))).toEqual([]);
  const large = checkSafety(plant({ ...small, [`${server}/kernel/b.ts`]: lines(1) }));
  expect(large.map((breach) => breach.why)).toEqual([expect.stringContaining('4201 code lines')]);
});
