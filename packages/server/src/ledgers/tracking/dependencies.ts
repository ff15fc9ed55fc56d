import type { Clock } from '#lib/clock.ts';
import type { HeldBy } from './garbage/collect-garbage.ts';
import type { TraceConventions } from './traces/trace-conventions.ts';

/** Client conventions that the composition provides, so that the ledger is independent of the clients. */
export interface TrackingOptions {
  /** Root of artifact URIs in Dais: `<root>/<experiment>/<run>/artifacts`. */
  readonly artifactRoot: string;
  /**
   * `file:///…`: a folder of this machine that clients write to directly. Artifacts of new experiments are stored there,
   * below the experiment id; existing experiments keep their location. Default: artifacts are stored in Dais.
   */
  readonly folderRoot?: string | undefined;
  /** The tag with the name of a run. The tag and the name are kept equal. */
  readonly nameTag: string;
  /** The input tag of the search attribute `datasets.context`. */
  readonly contextTag: string;
  /** Tags with the origin of a run. */
  readonly originTags: OriginTags;
  /** Names in the traces of clients. Absent: traces are not supported. */
  readonly traces?: TraceConventions;
}

export interface OriginTags {
  /** Id of the parent run. */
  readonly parent: string;
  /** The commit of the code, and its repository. */
  readonly commit: string;
  readonly repository: string;
  /** The program or notebook. */
  readonly entryPoint: string;
}

/** Dependencies of the operations. */
export interface TrackingDependencies {
  readonly options: TrackingOptions;
  readonly clock: Clock;
  readonly random: (bytes: number) => Buffer;
  /** Retention of traces in days. Default 0: until they are deleted. */
  readonly traceDays?: number;
  /** Days during which deleted objects can be restored. Default 0: until garbage collection is started manually. */
  readonly deletedDays?: number;
  /** Returns deleted objects that other ledgers still reference. Default: none. */
  readonly heldBy?: HeldBy;
}
