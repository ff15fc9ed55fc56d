/** Tests that every query engine must pass. */
import { afterAll, beforeAll, describe } from 'vitest';
import { Bench, type QuerySubject } from './suite-bench.testing.ts';
import { readingTests } from './suite-reading.testing.ts';
import { problemTests } from './suite-data-errors.testing.ts';
import { queryTests } from './suite-queries.testing.ts';
import { momentTests } from './suite-point-in-time.testing.ts';
import { jobTests } from './suite-jobs.testing.ts';
import { summaryTests } from './suite-summaries.testing.ts';

export function querySuite(name: string, open: () => Promise<QuerySubject>): void {
  describe(`query engine: ${name}`, () => {
    const bench = new Bench();
    let subject: QuerySubject;
    beforeAll(async () => {
      subject = await open();
      bench.take(subject);
    });
    afterAll(async () => await subject.end());
    readingTests(bench);
    problemTests(bench);
    queryTests(bench);
    momentTests(bench);
    jobTests(bench);
    summaryTests(bench);
  });
}
