import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that take a minute and more, longest first of each project. Vitest knows how long each took where it ran before; on a clean checkout
 * it starts with the largest file, and one that starts last and takes five minutes leaves the other core idle.
 */
const LONGEST = [
  'schemathesis.conformance.test.ts',
  'import-mlflow.conformance.test.ts',
  'kfp-pipelines.conformance.test.ts',
  'kfp-client.conformance.test.ts',
  'backup-s3.conformance.test.ts',
  'server/src/access-matrix.int.test.ts',
  'data-kill.int.test.ts',
  'scaffold.int.test.ts',
  'tutorial/data.int.test.ts',
  'monitoring-bad-input.int.test.ts',
  'monitoring-kill.int.test.ts',
  'batch-kill.int.test.ts',
  'packed.int.test.ts',
  'server/src/monitoring.int.test.ts',
  'onnx-inference.int.test.ts',
  'monitoring-outputs.int.test.ts',
  'duckdb-query.int.test.ts',
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const found = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}`));
      return found === -1 ? LONGEST.length : found;
    };
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b));
  }
}
