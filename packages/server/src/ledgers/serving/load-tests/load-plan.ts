/** Messages to and from the thread that sends requests to an endpoint. */

export interface LoadPlan {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly connections: number;
  /** Requests per second, evenly spaced; undefined: each connection sends its next request after the response. */
  readonly rate: number | undefined;
  /** Ends at whichever limit is reached first. */
  readonly requests: number | undefined;
  readonly durationMs: number;
}

export interface LoadProgress {
  readonly elapsedMs: number;
  readonly requests: number;
  readonly failed: number;
  /** Requests of a rate that could not start in time because all connections were busy. */
  readonly late: number;
  readonly p50Ms: number | null;
  readonly p90Ms: number | null;
  readonly p99Ms: number | null;
  /** Error of the first failed request. */
  readonly failure: string | undefined;
}

export interface FromLoad {
  readonly seen: LoadProgress;
  readonly done: boolean;
}
