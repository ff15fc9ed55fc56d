import { projectKind } from '@dais/api';
import type { KindDefinition } from '#kernel/kind.ts';
import type { Transaction } from '#kernel/transaction.ts';

interface ProjectSpec {
  readonly quotas?: { readonly resources?: number; readonly blobBytes?: number };
}

/** Interface: the records of a ledger for every project, in the transaction that creates or deletes it. */
export interface ProjectRecords {
  /** Creates the initial records of a project, at the end of the transaction that creates it. */
  begin(tx: Transaction, projectId: string): void;
  /** Deletes all data of the project. @throws DaisError `still_referenced` while it contains resources or records. */
  end(tx: Transaction, project: { readonly id: string; readonly name: string }): Promise<void>;
  /** Its manifest was created, changed or deleted: then there is no spec. */
  change?(tx: Transaction, projectId: string, spec: Readonly<Record<string, unknown>> | undefined): void;
}

/** The tenant. Its special behavior (row-level security, limits, emptiness before deletion) is in the kernel. */
export const project: KindDefinition = {
  spec: projectKind,
  tenant: (spec) => (spec as ProjectSpec).quotas ?? {},
};

export function projectWith(records: ProjectRecords): KindDefinition {
  return {
    ...project,
    admit: async (tx, { action, uid, name, spec, dryRun }) => {
      if (dryRun) return {};
      if (action === 'create') records.begin(tx, uid);
      records.change?.(tx, uid, spec);
      if (action === 'delete') await records.end(tx, { id: uid, name });
      return {};
    },
  };
}
