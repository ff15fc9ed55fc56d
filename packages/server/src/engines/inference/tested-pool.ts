/**
 * Opens the processes of a model and tests the model in the first one, before it serves requests and before more processes
 * start.
 */
import { DaisError } from '@dais/api/errors';
import { testBatches, type BatchTest } from './batch-test.ts';
import { ProcessEnded, type LoadOptions, type Tensor, type TensorSpec } from './contract.ts';
import { RunnerPool, type PoolDependencies } from './runner-pool.ts';

export interface TestedModel {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly sample: LoadOptions['sample'];
  /** Converts a batch to the input format of the model. @throws DaisError `invalid_request` */
  readonly enforce?: (inputs: readonly Tensor[]) => readonly Tensor[];
  readonly onPhase: (phase: string) => void;
}

export interface TestedPool {
  readonly pool: RunnerPool;
  readonly test: BatchTest;
}

/**
 * @throws ProcessEnded when the process ends or exceeds a limit before the test is over; DaisError `invalid_request` when the
 * model does not load.
 */
export async function openTestedPool(dependencies: PoolDependencies, model: TestedModel): Promise<TestedPool> {
  const { inputs, outputs, sample, enforce = (given) => given, onPhase } = model;
  let ended: string | undefined;
  let isOwnError = true;
  let isTried = false;
  const pool = new RunnerPool({
    ...dependencies,
    size: 1,
    onEnd: (end) => {
      if (isTried) return dependencies.onEnd?.(end);
      isOwnError = end.isOwnError;
      return (ended ??= end.reason);
    },
  });
  await pool.open();
  onPhase('testing the model');
  const run = async (given: readonly Tensor[]) => {
    if (ended !== undefined) throw new ProcessEnded(ended, isOwnError);
    try {
      return await pool.infer(enforce(given), {});
    } catch (error) {
      // A batch that exceeded its time limit fails before its process has ended.
      if (error instanceof DaisError && error.code === 'model_unavailable') ended ??= error.message;
      throw error;
    }
  };
  try {
    const test = await testBatches(run, inputs, outputs, await readSample(sample, inputs));
    isTried = true;
    if (ended !== undefined)
      throw new ProcessEnded(`The model loaded, but its process ended during the test: ${ended}`, isOwnError);
    await pool.resize(dependencies.size);
    return { pool, test };
  } catch (error) {
    isTried = true;
    await pool.close();
    throw error;
  }
}

export async function readSample(
  sample: LoadOptions['sample'],
  inputs: readonly TensorSpec[],
): Promise<readonly Tensor[] | undefined> {
  return typeof sample === 'function' ? await sample(inputs) : sample;
}
