/** Problems of a schedule beyond its schema. */
import type { Issue } from '#errors.ts';
import { isZone, readCron } from '#pipelines/cron.ts';
import type { ScheduleSpec } from '#kinds/schedule.ts';

export function scheduleIssues({ when, pipeline, startAt, endAt }: ScheduleSpec): Issue[] {
  const issues: Issue[] = [];
  if (when.type === 'cron') {
    const reading = readCron(when.cron);
    if ('problem' in reading)
      issues.push({ path: 'spec.when.cron', message: reading.problem, expected: '0 6 * * MON-FRI' });
    if (!isZone(when.zone)) {
      issues.push({ path: 'spec.when.zone', message: `${when.zone} is no time zone`, expected: 'Europe/Berlin' });
    }
  }
  if (when.type === 'pipeline' && when.pipeline === pipeline) {
    issues.push({ path: 'spec.when.pipeline', message: 'is the pipeline that it starts, which would loop forever' });
  }
  if (startAt !== undefined && endAt !== undefined && Date.parse(startAt) >= Date.parse(endAt)) {
    issues.push({ path: 'spec.endAt', message: 'is not after `startAt`' });
  }
  return issues;
}
