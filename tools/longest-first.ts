import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * The longest files of each project, longest first. Vitest has the duration of each previous run; on a clean checkout
 * it starts with the largest file, and a long file that starts last leaves the other core idle.
 */
const LONGEST = [
  'python-inference.conformance.test.ts',
  'mlflow.conformance.test.ts',
  'kfp-client.conformance.test.ts',
  'kfp-pipelines.conformance.test.ts',
  'schemathesis.conformance.test.ts',
  'model-families.conformance.test.ts',
  'uv-environments.conformance.test.ts',
  'data.spec.ts',
  'models.spec.ts',
  'accessibility.spec.ts',
  'monitors.spec.ts',
  'rights.spec.ts',
  'executions.spec.ts',
  'console.spec.ts',
  'monitoring-attributions.int.test.ts',
  'backup.int.test.ts',
  'access-matrix.int.test.ts',
  'main.int.test.ts',
  'up.int.test.ts',
  'process-compute.int.test.ts',
  'manifest-fuzz.int.test.ts',
  'hostile-models.int.test.ts',
  'process-crashes.int.test.ts',
  'scaffold.int.test.ts',
  'policy-rollouts.int.test.ts',
  'query-process.int.test.ts',
  'query-isolation.int.test.ts',
  'duckdb-query.int.test.ts',
  'run-checks.int.test.ts',
  'bad-input.int.test.ts',
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const locate = ({ moduleId }: TestSpecification) => {
      const found = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}`));
      return found === -1 ? LONGEST.length : found;
    };
    return (await super.sort(files)).toSorted((a, b) => locate(a) - locate(b));
  }
}
