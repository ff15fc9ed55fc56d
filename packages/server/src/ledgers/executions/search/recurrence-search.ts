/** Searches schedules. */
import { RECURRENCES_COUNTED, searchRecurrencesOperation, type Recurrence } from '@dais/api';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import { presentSchedule, SCHEDULE_COLUMNS, type ScheduleRow } from '../schedules/schedule-rows.ts';
import { searchRecords, type RecordTable } from './record-query.ts';

const recurrences: RecordTable<ScheduleRow, Recurrence> = {
  name: 'recurrences',
  from: 'executions.schedule r',
  id: 'r.id',
  columns: SCHEDULE_COLUMNS.split(', ')
    .map((column) => `r.${column}`)
    .join(', '),
  fields: {
    id: { sql: 'r.id', type: 'text' },
    name: { sql: 'r.name', type: 'text' },
    description: { sql: 'r.description', type: 'text', missing: true },
    origin: { sql: 'r.origin', type: 'text' },
    pipeline: { sql: 'r.pipeline', type: 'text', missing: true },
    experimentId: { sql: 'r.experiment_id', type: 'text', missing: true },
    enabled: { sql: 'r.enabled', type: 'flag' },
    createdAt: { sql: 'r.created_at', type: 'moment' },
    updatedAt: { sql: 'r.updated_at', type: 'moment' },
  },
  unless: {},
  counted: RECURRENCES_COUNTED,
  present: presentSchedule,
};

export const recurrenceSearch: readonly OperationEntry[] = [
  entry(searchRecurrencesOperation, async (tx, { input }) => await searchRecords(tx, recurrences, input)),
];
