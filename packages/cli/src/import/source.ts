/** The interface of a source of an import, for every way to read it. */
import type { Readable } from 'node:stream';
import type {
  AssessmentKind,
  DatasetInput,
  EvaluationRecord,
  EvaluationSchema,
  LatestMetric,
  LoggedModelStatus,
  MetricPoint,
  RunStatus,
  Span,
  TraceState,
} from '@dais/api/tracking';
import type { Problem } from './tally.ts';

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
  /** Changes when points or files of the run change that the other fields do not show. Dais does not store it. */
  readonly contentState?: string;
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

export interface SourceAssessment {
  readonly id: string;
  readonly spanId?: string;
  readonly name: string;
  readonly kind: AssessmentKind;
  readonly value: unknown;
  readonly error?: { readonly code?: string; readonly message?: string; readonly stackTrace?: string };
  readonly source: { readonly type: string; readonly id: string };
  readonly rationale?: string;
  readonly metadata: Pairs;
  readonly overrides?: string;
  readonly valid: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface SourceTrace {
  readonly id: string;
  readonly requestedAt: number;
  readonly durationMs?: number;
  readonly state: TraceState;
  readonly clientRequestId?: string;
  readonly requestPreview?: string;
  readonly responsePreview?: string;
  readonly metadata: Pairs;
  readonly tags: Pairs;
  readonly usage?: Readonly<Record<string, number>>;
  readonly cost?: Readonly<Record<string, number>>;
  readonly assessments: SourceAssessment[];
  readonly runIds: string[];
  /** Name and version of each, with a slash between. */
  readonly prompts: string[];
  readonly artifactUri: string;
  /** Whether its spans are in the database, not in a file. */
  readonly hasSpans: boolean;
}

export interface SourceDataset {
  readonly id: string;
  readonly name: string;
  readonly digest: string;
  readonly schema?: EvaluationSchema;
  /** Their numbers at the source. */
  readonly experimentIds: string[];
  readonly tags: Pairs;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly createdBy?: string;
  readonly updatedBy?: string;
}

export interface SourceScorer {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly definition: string;
  readonly createdAt: number;
}

/** Points of one metric, in columns as long as each other. */
export interface PointColumns {
  readonly steps: number[];
  readonly timestamps: number[];
  readonly values: MetricPoint['value'][];
}

export interface Series extends PointColumns {
  readonly key: string;
}

/** What a source found that has no object of its own. */
export interface SourceReport {
  /** Content that could not be read. */
  readonly problems: readonly Problem[];
  readonly notes: readonly string[];
}

/** The owner of the files. */
export interface FileOwner {
  readonly type: 'run' | 'model' | 'trace';
  readonly id: string;
  readonly artifactUri: string;
}

export interface SourceFile {
  /** Relative to the artifacts of its owner, with `/` between its parts. */
  readonly path: string;
  readonly size: number;
}

export interface TrackingSource {
  /** Name in the stored state: the same for each import of the source. */
  readonly name: string;
  experiments(): AsyncIterable<SourceExperiment>;
  runs(experimentId: string): AsyncIterable<SourceRun>;
  /** All points of a metric, in some order, page by page. */
  history(runId: string, key: string): AsyncIterable<PointColumns>;
  /** Whether a history can contain a point twice. Dais stores it once. */
  readonly repeatsPoints?: true;
  /** All points of all metrics, for sources that store them together. */
  histories?(run: SourceRun): AsyncIterable<Series>;
  loggedModels(experimentId: string): AsyncIterable<SourceLoggedModel>;
  /** Prompts too. */
  models(): AsyncIterable<SourceModel>;
  versions(model: string): AsyncIterable<SourceVersion>;
  /** Absent for versions without traces; the same applies to all members below. */
  traces(experiment: SourceExperiment): AsyncIterable<SourceTrace>;
  spans(trace: SourceTrace): Promise<Span[]>;
  evaluationDatasets(): AsyncIterable<SourceDataset>;
  evaluationRecords(datasetId: string): AsyncIterable<EvaluationRecord[]>;
  /** Every version of each. */
  scorers(experiment: SourceExperiment): AsyncIterable<SourceScorer>;
  /**
   * @throws DaisError for locations that cannot be read from here.
   */
  files(owner: FileOwner): AsyncIterable<SourceFile>;
  open(owner: FileOwner, path: string): Promise<Readable>;
  /** The findings of the last round. */
  report?(): SourceReport;
  close(): Promise<void>;
}

export const NO_POINTS = (): PointColumns => ({ steps: [], timestamps: [], values: [] });
