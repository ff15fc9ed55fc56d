/** Ports: what is in production, and why its facts have the values they have. Ledgers implement them; compose injects them. */
import type { FactSubject } from '@dais/api/access';
import type { Call } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';

/** An endpoint that serves a version, or an alias of a model. */
export interface ProductionResource {
  readonly kind: 'Endpoint' | 'Model';
  readonly name: string;
  readonly uid: string;
  readonly alias?: string;
  /** The version that the alias references. */
  readonly version?: string;
}

/** A place in a list of production resources: by name, then by alias. */
export interface ProductionScope {
  readonly name: string;
  readonly alias: string;
}

export interface FactCause {
  readonly fact: string;
  /** Keys of lineage nodes, from the resource to the cause. */
  readonly path: readonly string[];
  readonly cause: string;
  /** For an endpoint that serves the path prefix in addition to its stable version: variants and shadows. */
  readonly variants?: readonly string[];
}

export interface ProductionSource {
  readonly kind: ProductionResource['kind'];
  /** Of the transaction's project, in order of name and alias, after `after`. */
  list(tx: Transaction, after: ProductionScope | undefined, limit: number): Promise<readonly ProductionResource[]>;
  /** Causes of the named facts, the worst first. */
  explain(tx: Transaction, subject: FactSubject, facts: ReadonlySet<string>): Promise<readonly FactCause[]>;
}

export interface LineageNames {
  /** What people call lineage nodes, by key; nodes without a name are missing. */
  names(tx: Transaction, keys: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Returns the keys that the caller may read. */
  readable(
    tx: Transaction,
    call: Pick<Call, 'authorize' | 'tenant'>,
    keys: readonly string[],
  ): Promise<ReadonlySet<string>>;
}
