import type { MetricPoint } from '@dais/api/tracking';

export interface MetricRun {
  readonly num: bigint;
  readonly projectId: string;
  readonly experiment: bigint;
}

export interface LoggedPoint extends MetricPoint {
  readonly key: string;
  /** The dataset and the logged model of the measurement, which is also stored with the model. */
  readonly datasetName?: string | undefined;
  readonly datasetDigest?: string | undefined;
  readonly modelId?: string | undefined;
}
