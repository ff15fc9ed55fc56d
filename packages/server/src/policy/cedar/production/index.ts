/** Violations of policies by what is in production: operations, jobs and the subscriber that starts them. */
import type { OperationEntry } from '#kernel/entry.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { Subscriber } from '#kernel/subscriptions.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { servingRefusal, type ProductionDependencies, type PlannedServing } from './evaluate-production.ts';
import { evaluationHandler, evaluationSubscriber, evaluationSweep } from './evaluation-jobs.ts';
import { violationEntries } from './violation-entries.ts';

export { forgetPolicyRecords } from './violation-store.ts';

export interface ProductionEvaluation {
  readonly entries: readonly OperationEntry[];
  readonly jobs: readonly JobHandler[];
  readonly subscriber: Subscriber;
  /** See `servingRefusal`. */
  readonly servingRefusal: (tx: Transaction, serving: PlannedServing) => Promise<string | undefined>;
}

export function productionEvaluation(dependencies: ProductionDependencies): ProductionEvaluation {
  return {
    entries: violationEntries(dependencies),
    jobs: [evaluationHandler(dependencies), evaluationSweep(dependencies)],
    subscriber: evaluationSubscriber(dependencies),
    servingRefusal: async (tx, serving) => await servingRefusal(dependencies.engine, tx, serving),
  };
}
