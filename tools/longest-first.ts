import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * The longest files of each project, longest first. Vitest knows how long each took where it ran before; on a clean checkout
 * it starts with the largest file, and a long one that starts last leaves the other core idle.
 */
const LONGEST = [
  'kfp-pipelines.conformance.test.ts',
  'python-inference.conformance.test.ts',
  'mlflow.conformance.test.ts',
  'kfp-client.conformance.test.ts',
  'model-families.conformance.test.ts',
  'schemathesis.conformance.test.ts',
  'import-mlflow.conformance.test.ts',
  'models.spec.ts',
  'rights.spec.ts',
  'data.spec.ts',
  'monitors.spec.ts',
  'process-crashes.int.test.ts',
  'commands/commands.int.test.ts',
  'server/src/access-matrix.int.test.ts',
  'monitoring-attributions.int.test.ts',
  'duckdb-query.int.test.ts',
  'onnx-inference.int.test.ts',
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
