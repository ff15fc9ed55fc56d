import type { Compute } from '#engines/compute/contract.ts';
import type { Database } from '#engines/database/contract.ts';
import type { Environments } from '#engines/environments/contract.ts';
import type { Content } from '#kernel/content/content.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { ReadRecentSteps, RecordUsage } from '#ledgers/usage/index.ts';
import type { LoopDependencies } from '#lib/concurrency/loop.ts';
import type { Tracer } from '#lib/telemetry/tracer.ts';
import type { DefaultLimits } from './admission/quota-rows.ts';
import type { Amounts, StepDefaults } from './admission/requests.ts';
import type { DiskRules } from './worker/step-storage.ts';
import type { ComputeTargets } from './targets/compute-targets.ts';
import type { StepCalls } from './worker/step-calls.ts';
import type { StepData } from './worker/step-data.ts';
import type { StepDialects } from './worker/step-dialect.ts';
import type { ReadAddress } from './worker/step-files.ts';
import type { TrackedRuns } from './worker/tracked-runs.ts';

export interface SecretRef {
  readonly secret: string;
  readonly key: string;
}

export interface ExecutionDependencies extends LoopDependencies {
  readonly database: Database;
  readonly content: Content;
  /** Lease owner: the id of this process, new at each start. */
  readonly holder: string;
  /**
   * Id of the node, where attempts run: the same after a restart, different on another machine. @throws Error before the node is
   * registered.
   */
  readonly place: () => string;
  /** How earlier versions named the place of attempts of this node. Another node can have had the same name. */
  readonly formerPlace?: string;
  /** No other process uses the database: leases of other processes are of earlier ones. Default: false. */
  readonly isOnlyProcess?: boolean;
  /** Opens the engine on first use. */
  readonly compute: () => Promise<Compute>;
  /** Compute targets outside of the machines of the server. Absent: there are none. */
  readonly targets?: ComputeTargets;
  readonly environments: () => Promise<Environments>;
  /** Finds the secret within the transaction; the result decrypts it outside. Undefined: there is no such value. */
  readonly secretValue: (tx: Transaction, ref: SecretRef) => Promise<(() => Promise<string>) | undefined>;
  /** Credentials with which steps call this server. Absent: they cannot. */
  readonly calls?: StepCalls;
  /** Tracked runs of steps. Absent: steps have none. */
  readonly tracked?: TrackedRuns;
  /** Reads files at external URLs. Absent: they are not fetched. @throws DaisError, and so does `open`. */
  readonly readAddress?: ReadAddress;
  /** Dataset versions for steps. Absent: steps cannot use datasets. */
  readonly data?: StepData;
  /** Records the usage of attempts. Absent: it is not recorded. */
  readonly usage?: RecordUsage;
  /** Reads what attempts held before this process started. Absent: fair sharing starts without it. */
  readonly recentSteps?: ReadRecentSteps;
  /** Dialects of other systems whose step formats are supported. */
  readonly dialects?: StepDialects;
  /** Absent: no traces are recorded. */
  readonly tracer?: Tracer | undefined;
  /** There are no accounts: every caller is the owner of the server. */
  readonly solo: boolean;
  /** Steps that this process runs at the same time. */
  readonly concurrency: number;
  /** Limits of projects that set no compute quota. */
  readonly limits: DefaultLimits;
  /** Resources of a step that requests none; they also count against quotas. */
  readonly stepDefaults: StepDefaults;
  /** Resources of this machine for steps: cores, bytes of memory, devices. */
  readonly capacity: () => Promise<Amounts>;
  /** Display name of this machine. */
  readonly nodeName: string;
  /** Disk limits of steps. Default: 10 GiB for each step, at most 100 GiB. */
  readonly diskRules?: DiskRules;
  /** Default: 30 s. Tests of takeover set a shorter time. */
  readonly leaseMs?: number;
}
