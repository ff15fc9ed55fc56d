/** What ledgers and policies do when a project is created, changed and deleted. */
import type { ProjectRecords } from '#kinds/project/index.ts';
import type { LedgerDefinition, ProjectLifecycle } from '#ledgers/ledger.ts';

export function projectRecords(
  owners: readonly Pick<LedgerDefinition, 'project'>[],
  options: Parameters<NonNullable<ProjectLifecycle['create']>>[2],
): ProjectRecords {
  const lifecycles = owners.flatMap(({ project }) => project ?? []);
  return {
    begin: (tx, id) => {
      for (const { create } of lifecycles) create?.(tx, id, options);
    },
    change: (tx, id, spec) => {
      for (const { change } of lifecycles) change?.(tx, id, spec);
    },
    end: async (tx, project) => {
      const home = tx.projectId;
      for (const { remove } of lifecycles) {
        // Row security hides the rows of a project from transactions that are elsewhere.
        await tx.enter(project.id);
        await remove?.(tx, project);
      }
      await tx.enter(home);
    },
  };
}
