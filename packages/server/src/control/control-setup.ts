/** The setup of a control process, and its requests to the supervisor. */
import type { ConnectionOptions } from '#engines/database/contract.ts';
import type { Log } from '#lib/log.ts';
import type { SocketDiagnosis } from '#lib/system/socket-diagnosis.ts';
import type { ResolvedConfig } from '#config-load.ts';

/** The setup of a control process. It is sent over IPC, so that no secret is in an argument or a variable. */
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
  /** Undefined if this process has no socket for such queries. */
  readonly socketDiagnosis?: SocketDiagnosis | undefined;
  readonly onPhase: (name: string, ms: number) => void;
  /** Requests the start of a helper from the supervisor. */
  readonly want: (helper: string) => void;
  /** Sends a message to a helper, through the supervisor. */
  readonly post: (to: string, body: unknown) => void;
}
