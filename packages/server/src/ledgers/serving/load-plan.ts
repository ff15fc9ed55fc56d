/** What a thread that asks an endpoint is told, and what it tells. */

export interface LoadPlan {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly connections: number;
  /** Requests each second, evenly; without it, each connection asks again as soon as it was answered. */
  readonly rate: number | undefined;
  /** Whichever comes first. */
  readonly requests: number | undefined;
  readonly durationMs: number;
}

export interface LoadSeen {
  readonly elapsedMs: number;
  readonly requests: number;
  readonly failed: number;
  /** Requests of a rate that had not begun in their time because all connections were taken. */
  readonly late: number;
  readonly p50Ms: number | null;
  readonly p90Ms: number | null;
  readonly p99Ms: number | null;
  /** Of the first that failed. */
  readonly failure: string | undefined;
}

export interface FromLoad {
  readonly seen: LoadSeen;
  readonly done: boolean;
}
