import type { Compute } from '#engines/compute/contract.ts';
import type { Database } from '#engines/database/contract.ts';
import type { Environments } from '#engines/environments/contract.ts';
import type { Content } from '#kernel/content/content.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { LoopDependencies } from '#lib/concurrency/loop.ts';
import type { Tracer } from '#lib/telemetry/tracer.ts';
import type { DefaultLimits } from './admission/quota-rows.ts';
import type { Amounts, StepDefaults } from './admission/requests.ts';
import type { DiskRules } from './disk-rules.ts';
import type { StepCalls } from './step-calls.ts';
import type { StepData } from './step-data.ts';
import type { StepDialects } from './worker/step-dialect.ts';
import type { ReadAddress } from './worker/step-files.ts';
import type { TrackedRuns } from './tracked-runs.ts';

export interface SecretRef {
  readonly secret: string;
  readonly key: string;
}

export interface ExecutionParts extends LoopDependencies {
  readonly database: Database;
  readonly content: Content;
  /** Who this process is: new with each start. */
  readonly holder: string;
  /** Which engine `compute` opens: the same after a restart, another on another machine. */
  readonly place: string;
  /** Opened when something is run for the first time. */
  readonly compute: () => Promise<Compute>;
  readonly environments: () => Promise<Environments>;
  /** Found inside the transaction, opened outside of it. Undefined: there is no such value. */
  readonly secretValue: (tx: Transaction, ref: SecretRef) => Promise<(() => Promise<string>) | undefined>;
  /** Absent: steps do not call this server. */
  readonly calls?: StepCalls;
  /** Absent: steps have no runs of the tracking ledger. */
  readonly tracked?: TrackedRuns;
  /** What lies at an address outside. Absent: nothing outside is brought. @throws DaisError, and so does `open`. */
  readonly readAddress?: ReadAddress;
  /** Absent: steps have no datasets. */
  readonly data?: StepData;
  /** Front ends whose steps are in their own words. */
  readonly dialects?: StepDialects;
  /** Absent: no traces are kept. */
  readonly tracer?: Tracer | undefined;
  /** There are no accounts: whoever may submit is the owner of the server. */
  readonly solo: boolean;
  /** Steps that this process runs at the same time. */
  readonly concurrency: number;
  /** Of projects without a compute quota of their own. */
  readonly limits: DefaultLimits;
  /** What a step may use, and counts as against a quota, that requests nothing. */
  readonly stepDefaults: StepDefaults;
  /** What this machine has for steps: cores, bytes of memory, devices. */
  readonly capacity: () => Promise<Amounts>;
  /** Name of this machine, for people. */
  readonly nodeName: string;
  /** Disk limits of steps. Default: 10 GiB for each step, at most 100 GiB. */
  readonly diskRules?: DiskRules;
  /** For tests of takeover; default 30 s. */
  readonly leaseMs?: number;
}
