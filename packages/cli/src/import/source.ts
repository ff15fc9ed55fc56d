/** What is read of another tracking server, whichever way it is reached. */
import type { Readable } from 'node:stream';
import type { DatasetInput, LatestMetric, LoggedModelStatus, MetricPoint, RunStatus } from '@dais/api';

export type Pairs = Readonly<Record<string, string>>;

export interface SourceExperiment {
  readonly id: string;
  readonly name: string;
  readonly artifactUri: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly deleted: boolean;
  readonly tags: Pairs;
}

export interface SourceRun {
  readonly id: string;
  readonly name: string;
  readonly user: string;
  readonly status: RunStatus;
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly deleted: boolean;
  readonly artifactUri: string;
  readonly params: Pairs;
  readonly tags: Pairs;
  /** The latest point of each metric. */
  readonly metrics: readonly Pick<LatestMetric, 'key' | 'value' | 'timestamp' | 'step'>[];
  readonly datasets: DatasetInput[];
  readonly modelInputs: string[];
  readonly modelOutputs: { readonly modelId: string; readonly step: number }[];
}

export interface SourceLoggedModel {
  readonly id: string;
  readonly name: string;
  readonly type?: string;
  readonly sourceRunId?: string;
  readonly status: LoggedModelStatus;
  readonly statusMessage?: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly deleted: boolean;
  readonly artifactUri: string;
  readonly params: Pairs;
  readonly tags: Pairs;
  readonly metrics: SourceModelMetric[];
}

export interface SourceModelMetric extends MetricPoint {
  readonly runId: string;
  readonly key: string;
  readonly datasetName?: string;
  readonly datasetDigest?: string;
}

export interface SourceModel {
  readonly name: string;
  readonly description: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly tags: Pairs;
  readonly aliases: Readonly<Record<string, number>>;
}

export interface SourceVersion {
  readonly name: string;
  readonly version: number;
  readonly description: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly stage: string;
  readonly source: string;
  readonly runId?: string;
  readonly loggedModelId?: string;
  readonly runLink?: string;
  readonly tags: Pairs;
}

/** Points of one metric, in columns as long as each other. */
export interface PointColumns {
  readonly steps: number[];
  readonly timestamps: number[];
  readonly values: MetricPoint['value'][];
}

/** Whose files are read. */
export interface FileOwner {
  readonly type: 'run' | 'model';
  readonly id: string;
  readonly artifactUri: string;
}

export interface SourceFile {
  /** Relative to the artifacts of its owner, with `/` between its parts. */
  readonly path: string;
  readonly size: number;
}

export interface TrackingSource {
  /** Names it in the state that the server keeps: the same for each import of it. */
  readonly name: string;
  experiments(): AsyncIterable<SourceExperiment>;
  runs(experimentId: string): AsyncIterable<SourceRun>;
  /** All points of a metric, in some order, page by page. */
  history(runId: string, key: string): AsyncIterable<PointColumns>;
  loggedModels(experimentId: string): AsyncIterable<SourceLoggedModel>;
  /** Prompts too. */
  models(): AsyncIterable<SourceModel>;
  versions(model: string): AsyncIterable<SourceVersion>;
  /** @throws DaisError for places that cannot be read from here. */
  files(owner: FileOwner): AsyncIterable<SourceFile>;
  open(owner: FileOwner, path: string): Promise<Readable>;
  close(): Promise<void>;
}

export const NO_POINTS = (): PointColumns => ({ steps: [], timestamps: [], values: [] });
