import type { Condition, KindSpec, Resource } from '@dais/api';
import type { Slice } from '#engines/database/contract.ts';
import type { Call, KindActions } from '#kernel/entry.ts';
import type { FactProvider } from '#kernel/principal.ts';
import type { TenantLimits } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';

/** A kind of the server: registered in one list (compose). The kernel provides what the kind omits. */
export interface KindDefinition {
  readonly spec: KindSpec;
  /** Its own tables, when the kernel's are not enough. */
  readonly slice?: Slice;
  /**
   * Resources of this kind are the tenants: each owns the rows that carry its uid as `project_id`. One kind only. The
   * function reads the limits out of a spec.
   */
  readonly tenant?: (spec: Readonly<Record<string, unknown>>) => TenantLimits;
  /** Requires the permissions that a spec needs in addition to the write. @throws DaisError `forbidden` */
  readonly authorizeSpec?: (tx: Transaction, call: SpecCall, spec: Readonly<Record<string, unknown>>) => Promise<void>;
  /** Runs inside the transaction of each change of a resource of this kind, before the rows are written. */
  readonly admit?: (tx: Transaction, change: AdmittedChange) => Promise<AdmitResult>;
  /** Handlers of the actions of the kind; see `kindActions`. */
  readonly actions?: KindActions;
  readonly controller?: Controller;
  /** Facts about its resources for policies. */
  readonly facts?: FactProvider;
}

export type SpecCall = Pick<Call, 'authorize' | 'tenant'>;

export interface AdmittedChange {
  readonly action: 'create' | 'update' | 'delete';
  readonly uid: string;
  readonly projectId: string;
  readonly name: string;
  readonly before: Resource | undefined;
  /** As authored, write-only fields included. Undefined for a deletion. */
  readonly spec: Readonly<Record<string, unknown>> | undefined;
  /** True if the spec is from an old revision: write-only fields are absent and must stay unchanged. */
  readonly rollback: boolean;
  /** True while planning: read, but do not write or call other systems. */
  readonly dryRun: boolean;
}

export interface AdmitResult {
  /** The stored spec, without write-only fields. Default: the spec without its write-only fields. */
  readonly spec?: Readonly<Record<string, unknown>>;
  /** Status fields to set in the same write. */
  readonly status?: Readonly<Record<string, unknown>>;
  /** What the author should know of the change, one sentence each: shown with the plan and the outcome. */
  readonly notes?: readonly string[];
  /** Changes in write-only fields, for plan and audit: paths only, never values. */
  readonly changedPaths?: readonly string[];
}

/** Everything a controller may decide from. */
export interface ControllerInput<Observed> {
  readonly resource: Resource;
  readonly observed: Observed;
}

/** What a controller decided. Conditions without times and generation: the kernel adds both. */
export interface ControllerPlan<Effect> {
  readonly effects: readonly Effect[];
  readonly conditions: readonly PlannedCondition[];
  /** Further status fields. */
  readonly status?: Readonly<Record<string, unknown>>;
  /** Recheck after so many milliseconds, whatever happens. */
  readonly recheckAfterMs?: number;
  /** Recheck when an event about one of these topics is emitted: `Kind/name` or the uid of a resource. */
  readonly wakeOn?: readonly string[];
  /** While the resource is being deleted: true when nothing is left to clean up. */
  readonly finalized?: boolean;
}

export type PlannedCondition = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/**
 * Reconciles the actual state with a spec. `plan` is pure; `observe` only reads; `perform` is idempotent, because an
 * effect can repeat after a crash. After effects, the kernel observes until a plan has none.
 */
export interface Controller<Observed = unknown, Effect = unknown> {
  /** When set, a resource is created with this finalizer and is deleted only after a plan with `finalized`. */
  readonly finalizer?: string;
  observe(resource: Resource, io: ControllerIo): Promise<Observed>;
  plan(input: ControllerInput<Observed>): ControllerPlan<Effect>;
  perform(effect: Effect, resource: Resource, io: ControllerIo): Promise<void>;
}

export interface ControllerIo {
  /** Aborts when the lease on this resource is lost or the process stops: nothing done afterwards counts. */
  readonly signal: AbortSignal;
  /** A read of the database, in the resource's project. */
  read<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /**
   * A write fenced by this worker's lease: fails with `LeaseLost` if another worker has it, so that a late write of a
   * suspended process has no effect.
   */
  write<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
}

/** Thrown by `observe` or `perform` when a retry cannot help until the spec changes. */
export class TerminalError extends Error {
  readonly reason: string;
  constructor(reason: string, message: string) {
    super(message);
    this.name = 'TerminalError';
    this.reason = reason;
  }
}
