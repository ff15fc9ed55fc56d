/** A short import of a real `mlflow server`. All of it, exports and mirrors: import-mlflow.full.test.ts. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ALL, NOTHING, PATIENCE, startMlflowSource, type MlflowSource } from './mlflow-source.testing.ts';

let source: MlflowSource;
beforeAll(async () => {
  source = await startMlflowSource();
}, PATIENCE);
afterAll(async () => await source?.stop());

test(
  'an import from its database brings everything, a second one changes nothing, and MLflow sees no difference',
  { timeout: PATIENCE },
  async () => {
    const { folder, dais } = source;
    const from = ['--from', `sqlite:///${folder}/mlflow.db`, '--artifacts-folder', `${folder}/artifacts`];
    expect(await source.imported(...from)).toMatchObject({ found: ALL, written: ALL, problems: [] });
    expect(await source.imported(...from)).toMatchObject({ written: NOTHING });
    expect(await source.differences(dais.server.url)).toMatchObject({ differences: [] });
  },
);
