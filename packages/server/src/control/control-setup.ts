/** What a control process is told at its start, and what it may ask of the supervisor. */
import type { ConnectionOptions } from '#engines/database/contract.ts';
import type { Log } from '#lib/log.ts';
import type { ResolvedConfig } from '#config-load.ts';

/** Everything a control process is told. Travels over IPC, so that no secret stands in an argument or a variable. */
export interface ControlSetup {
  readonly config: ResolvedConfig;
  readonly connection: ConnectionOptions;
  readonly database: { readonly engine: string; readonly version: string };
  readonly port: number;
  readonly ownerToken: string;
  readonly version: string;
  /** RFC 3339, UTC: when the whole tree started. */
  readonly startedAt: string;
  /** See `UpOptions`. */
  readonly checkOutputs?: boolean | undefined;
}

export interface ControlIo {
  readonly log: Log;
  readonly onPhase: (name: string, ms: number) => void;
  /** Asks the supervisor to run a helper from now on. */
  readonly want: (helper: string) => void;
  /** Says something to one, through the supervisor. */
  readonly tell: (to: string, body: unknown) => void;
}
