import type { TraceWords } from './traces/trace-words.ts';

/** What the ledger is told of the clients that write into it: given by compose, so that it knows none of them. */
export interface TrackingOptions {
  /** What the addresses of artifacts that lie in Dais begin with: `<root>/<experiment>/<run>/artifacts`. */
  readonly artifactRoot: string;
  /**
   * `file:///…`: a folder of this machine that clients write to themselves. New experiments lie there, each below its
   * number; those that are there stay where they are. Default: they lie in Dais.
   */
  readonly folderRoot?: string | undefined;
  /** The tag that says a run's name as well: whichever of both is set, the other follows. */
  readonly nameTag: string;
  /** The tag of an input by which runs are found: `datasets.context`. */
  readonly contextTag: string;
  /** The tags that say where a run comes from. */
  readonly originTags: OriginTags;
  /** What clients that write traces call things. Absent: no traces. */
  readonly traces?: TraceWords;
}

export interface OriginTags {
  /** Id of the run that it is a part of. */
  readonly parent: string;
  /** The commit of the code, and the repository that it is in. */
  readonly commit: string;
  readonly repository: string;
  /** The program or notebook that was started. */
  readonly entryPoint: string;
}
