import type { Run } from '@dais/api/tracking';
import { expect, test } from 'vitest';
import { RunsCsv } from './runs-csv.ts';

const base = {
  experimentId: '1',
  user: 'ada',
  status: 'FINISHED',
  startedAt: 1000,
  artifactUri: '',
  lifecycle: 'active',
};
const run = (id: string, more: object) =>
  ({ ...base, id, name: id, metrics: [], params: {}, tags: {}, datasets: [], ...more }) as unknown as Run;

test('every run has every column, whichever page includes it', () => {
  const csv = new RunsCsv();
  csv.add(run('a', { metrics: [{ key: 'loss', value: -0.5 }] }));
  csv.add(run('b', { params: { note: 'x, "y"' }, endedAt: 2000 }));
  csv.add(run('c', { tags: { note: '=HYPERLINK("x")' }, metrics: [{ key: 'loss', value: '-Infinity' }] }));
  expect(csv.text().join('').split('\r\n')).toEqual([
    'run_id,run_name,experiment_id,status,user_id,start_time,end_time,metrics.loss,params.note,tags.note',
    'a,a,1,FINISHED,ada,1970-01-01T00:00:01.000Z,,-0.5,,',
    'b,b,1,FINISHED,ada,1970-01-01T00:00:01.000Z,1970-01-01T00:00:02.000Z,,"x, ""y""",',
    `c,c,1,FINISHED,ada,1970-01-01T00:00:01.000Z,,-Infinity,,"'=HYPERLINK(""x"")"`,
    '',
  ]);
});
