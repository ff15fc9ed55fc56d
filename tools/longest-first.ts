import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that take a minute and more, longest first. Vitest knows how long each took where it ran before; on a clean checkout
 * it starts with the largest file, and one that starts last and takes five minutes leaves the other core idle.
 */
const LONGEST = [
  'schemathesis.conformance.test.ts',
  'import-mlflow.conformance.test.ts',
  'kfp-pipelines.conformance.test.ts',
  'kfp-client.conformance.test.ts',
  'backup-s3.conformance.test.ts',
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
