/** Tests that every boundary must pass. */
import { beforeAll, describe, expect, test } from 'vitest';
import { CHECKS, type CheckReport } from './testing/checks.testing.ts';
import type { Boundary } from './contract.ts';

export interface IsolationSubject {
  /** The expected boundary and limits of the machine. */
  readonly boundary: Boundary;
  readonly limits: CheckReport['limits'];
  /** Runs the checks, in this process or another one. */
  readonly check: () => Promise<CheckReport>;
}

export function isolationContract(name: string, { boundary, limits, check }: IsolationSubject): void {
  describe(name, () => {
    let report: CheckReport;
    beforeAll(async () => {
      report = await check();
    }, 120_000);

    test(`the boundary is ${boundary}, limits are enforced by ${limits}`, () => {
      expect(report).toMatchObject({ boundary, limits });
    });

    test.each(CHECKS.map(({ title }) => title))('%s', (title) => {
      expect(report.failures[title]).toBeUndefined();
    });
  });
}
