import type { Resource } from '@dais/api';
import type { ControllerPlan, PlannedCondition } from '#kernel/kind.ts';
import type { DatasetFacts } from '#ledgers/data/index.ts';

/** Pure: computes the conditions of a dataset from its versions and ingestions. Has no effects. */
export function planDataset(resource: Resource, facts: DatasetFacts): ControllerPlan<never> {
  const { ready, newest } = facts;
  return {
    effects: [],
    conditions: [{ type: 'Ready', ...readiness(facts) }, ...acceptance(facts)],
    status: {
      latestVersion: ready?.number,
      newestVersion: newest?.number,
      rows: ready?.rows,
      bytes: ready?.bytes,
      columns: ready?.columns,
      updatedAt: ready === undefined ? undefined : new Date(ready.createdAt).toISOString(),
    },
    wakeOn: [`Dataset/${resource.metadata.name}`],
  };
}

function readiness({ ready, newest, failed }: DatasetFacts): Omit<PlannedCondition, 'type'> {
  if (ready !== undefined) {
    const message = `Version ${ready.number} is ready.`;
    return { status: 'True', reason: 'VersionReady', message };
  }
  if (newest === undefined) {
    const message =
      failed === undefined
        ? 'No version yet. Push files, or refresh the dataset from its source.'
        : `Ingestion failed: ${failed}`;
    return { status: 'False', reason: failed === undefined ? 'NoVersion' : 'IngestFailed', message };
  }
  const message = `No version is ready: version ${newest.number} is ${newest.state}.`;
  return { status: 'False', reason: 'NoReadyVersion', message };
}

/** The state of the newest version. */
function acceptance({ newest, failed }: DatasetFacts): PlannedCondition[] {
  const conditions: PlannedCondition[] = [];
  if (newest?.state === 'quarantined') {
    const message = `Version ${newest.number}: ${newest.reason ?? 'a check failed'}`;
    conditions.push({ type: 'Accepted', status: 'False', reason: 'Quarantined', message });
  } else if (newest?.state === 'broken') {
    const message = `Version ${newest.number}: ${newest.reason ?? 'its source changed'}`;
    conditions.push({ type: 'Accepted', status: 'False', reason: 'Broken', message });
  } else if (newest !== undefined) {
    const building = newest.state === 'building';
    const message = building
      ? `Version ${newest.number} is being validated.`
      : `Version ${newest.number} passed validation.`;
    conditions.push({
      type: 'Accepted',
      status: building ? 'Unknown' : 'True',
      reason: building ? 'Checking' : 'Passed',
      message,
    });
  }
  if (failed !== undefined) {
    conditions.push({ type: 'Fresh', status: 'False', reason: 'IngestFailed', message: failed });
  }
  return conditions;
}
