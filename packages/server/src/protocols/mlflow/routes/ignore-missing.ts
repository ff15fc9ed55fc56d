import { MlflowError } from '#protocols/mlflow/wire/mlflow-error.ts';

/** Undefined for what is not there: some endpoints pass over it. */
export async function ignoreMissing<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MlflowError && error.code === 'RESOURCE_DOES_NOT_EXIST') return undefined;
    throw error;
  }
}
