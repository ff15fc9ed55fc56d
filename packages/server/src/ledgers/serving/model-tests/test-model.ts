/** `modelTest.run`: runs the tests of the Model for a version. */
import { DaisError } from '@dais/api';
import type { ModelTestRun, testModelOperation } from '@dais/api/serving';
import { buffer } from 'node:stream/consumers';
import type { Database } from '#engines/database/contract.ts';
import type { Content } from '#kernel/content/content.ts';
import type { CallOf } from '#kernel/entry.ts';
import { transact } from '#kernel/transaction.ts';
import { describeModel } from '../models/model-description.ts';
import { storeModel, readModels } from '../models/model-rows.ts';
import { safetyOf } from '../models/model-safety.ts';
import { resolveModel } from '../models/model-source.ts';
import { testsOf } from './model-tests.ts';
import type { GatewayAccess } from '../publishing/publisher.ts';
import type { TestBench } from './test-bench.ts';

interface TestDependencies {
  readonly database: Database;
  readonly content: Content;
  readonly access: GatewayAccess;
  readonly bench: TestBench;
  readonly artifactRoot: string;
}

/** @throws DaisError `not_found`, `invalid_request`, `invalid_state` for a version that may not be loaded. */
export async function testModel(
  { input, tenant }: CallOf<typeof testModelOperation>,
  dependencies: TestDependencies,
): Promise<ModelTestRun> {
  const { database, content, access, bench, artifactRoot } = dependencies;
  const { name, version, alias } = input;
  if ((version === undefined) === (alias === undefined)) {
    throw new DaisError('invalid_request', 'Specify the version of the model with either `version` or `alias`.', {
      issues: [{ path: 'version', message: 'does not identify a version', expected: '`version` or `alias`' }],
    });
  }
  const reference = version === undefined ? `models:/${name}@${alias}` : `models:/${name}/${version}`;
  const scope = { mode: 'read', projectId: tenant.id } as const;
  const found = await transact(database, scope, async (tx) => await resolveModel(tx, reference, artifactRoot));
  if ('problem' in found) throw new DaisError('not_found', found.problem);
  const known = await transact(database, scope, async (tx) => (await readModels(tx, [found.id])).get(found.id));
  if (known === undefined) {
    const owner = { projectId: tenant.id, uid: tenant.id };
    const described = await describeModel(found, async (path) => {
      const { bytes } = await content.open(owner, `${found.artifacts}/${path}`);
      return await buffer(bytes);
    });
    await transact(
      database,
      { mode: 'write', projectId: tenant.id },
      async (tx) => await storeModel(tx, found, described),
    );
  }
  return await transact(database, scope, async (tx) => {
    const row = (await readModels(tx, [found.id])).get(found.id);
    if (row === undefined) throw new Error('the description of a model was removed');
    if (row.description.problem !== undefined)
      throw new DaisError('invalid_state', `${row.label}: ${row.description.problem}.`);
    const tests = await testsOf(tx, row);
    if (tests.length === 0) {
      const detail = `Model "${name}" has no tests. Add tests to \`spec.tests\` of its manifest (dais explain Model.spec.tests).`;
      throw new DaisError('invalid_state', detail);
    }
    const { may, reason = '' } = await safetyOf(tx, row);
    if (may === 'never') throw new DaisError('invalid_state', reason);
    if (may === 'not yet') {
      return { model: row.label, state: 'preparing', message: reason, tests: tests.length, failed: 0, results: [] };
    }
    const { mode } = await access.access(tx, []);
    // An untrusted ONNX model runs in a process of its own: this one serves all callers.
    const python = row.description.python !== null;
    const trust = python && mode === 'solo' && may === 'anywhere' ? 'trusted' : 'untrusted';
    return bench.poll({ row, tests, trust });
  });
}
