import type { DesiredState } from '#operations/operation.ts';

/** The facts that policies may use: one table for Cedar's schema, the reference page and the editor's completion. */

export const factTypes = ['string', 'long', 'bool', 'strings'] as const;
export type FactType = (typeof factTypes)[number];

export interface PolicyFact {
  /** The name in policies below `resource.facts`. */
  readonly name: string;
  readonly type: FactType;
  /** Kinds of resources with the fact. */
  readonly kinds: readonly string[];
  /** `own`: about the resource itself. `upstream`: about its whole upstream lineage. */
  readonly reach: 'own' | 'upstream';
  readonly description: string;
  /** How it is computed. */
  readonly computation: string;
  /** When it is unknown, in addition to a lineage walk above its limits. Absent: never. */
  readonly unknown?: string;
}

const UPSTREAM_KINDS = ['Model', 'Endpoint'] as const;

export const policyFacts = [
  {
    name: 'openPiiFindings',
    type: 'long',
    kinds: ['Dataset'],
    reach: 'own',
    description: 'Number of open personal-data findings of the dataset.',
    computation: 'Counts findings that are neither resolved nor waived and whose column the manifest does not declare.',
  },
  {
    name: 'piiScanned',
    type: 'bool',
    kinds: ['Dataset'],
    reach: 'own',
    description: 'Whether the newest version of the dataset has been scanned for personal data.',
    computation: 'True when the scan of the newest version is done.',
  },
  {
    name: 'openSafetyFindings',
    type: 'long',
    kinds: ['Model'],
    reach: 'own',
    description: 'Number of open blocking findings in the files of a version.',
    computation: 'Counts findings that are not waived, of the version that the operation names, else of the newest.',
  },
  {
    name: 'safetyScanned',
    type: 'bool',
    kinds: ['Model'],
    reach: 'own',
    description: 'Whether the files of a version have been scanned.',
    computation: 'True when the scan of the version that the operation names, else of the newest, is done.',
  },
  {
    name: 'upstreamOpenPiiFindings',
    type: 'long',
    kinds: UPSTREAM_KINDS,
    reach: 'upstream',
    description: 'Number of open personal-data findings of all dataset versions upstream.',
    computation:
      'Counts findings that occur in a dataset version upstream, that are neither resolved nor waived and whose column the manifest does not declare.',
    unknown: 'A dataset version upstream has not been scanned, its scan failed, or its dataset was deleted.',
  },
  {
    name: 'upstreamDatasetVersions',
    type: 'long',
    kinds: UPSTREAM_KINDS,
    reach: 'upstream',
    description: 'Number of dataset versions upstream that Dais stores.',
    computation: 'Counts the reachable dataset versions. 0 means that no training data is recorded.',
  },
  {
    name: 'upstreamExternalDatasets',
    type: 'long',
    kinds: UPSTREAM_KINDS,
    reach: 'upstream',
    description: 'Number of datasets upstream that Dais does not store and therefore cannot scan.',
    computation:
      'Counts the datasets that a run or job upstream read and that are no version of a dataset in Dais. The source of a stored version does not count.',
  },
  {
    name: 'upstreamFailedQualityChecks',
    type: 'long',
    kinds: UPSTREAM_KINDS,
    reach: 'upstream',
    description: 'Number of dataset versions upstream whose latest quality check failed.',
    computation: 'Uses the latest check of each version. A version without expectations does not count.',
    unknown: 'The check of a dataset version upstream has not ended, or ended with an error.',
  },
  {
    name: 'upstreamScanResult',
    type: 'string',
    kinds: UPSTREAM_KINDS,
    reach: 'upstream',
    description: 'The most severe scan result of all model versions upstream, including the version itself.',
    computation: '`clean`, `review` or `blocked`, in this order; `clean` when there is no model version.',
    unknown: 'The scan of a model version upstream has not ended.',
  },
  {
    name: 'upstreamUnapprovedVersions',
    type: 'long',
    kinds: UPSTREAM_KINDS,
    reach: 'upstream',
    description: 'Number of unapproved model versions upstream, including the version itself.',
    computation:
      'Counts versions without a complete approval for any alias or stage according to the current rules. A model without approval rules has no approved version.',
  },
] as const satisfies readonly PolicyFact[];

export type PolicyFactName = (typeof policyFacts)[number]['name'];

export function factsOfKind(kind: string): readonly PolicyFact[] {
  return policyFacts.filter((fact) => (fact.kinds as readonly string[]).includes(kind));
}

/** Limits of the lineage walk for upstream facts. Above them, a fact is unknown. */
export const upstreamLimits = { steps: 40, nodes: 2000, milliseconds: 2000 } as const;

/** The subject of facts. */
export interface FactSubject {
  readonly kind: string;
  readonly name: string;
  /** Absent: the resource does not exist yet. */
  readonly uid?: string | undefined;
  /** The state after a write; facts are then about that state. */
  readonly desired?: DesiredState | undefined;
  /** See `OperationTarget.version`. */
  readonly version?: string | null | undefined;
}

export interface Facts {
  readonly values: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  /**
   * Facts that could not be computed, with the reason in one sentence. A policy that uses one of them cannot decide.
   */
  readonly unknown: Readonly<Record<string, string>>;
}
