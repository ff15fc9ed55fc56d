import {
  createRecurrenceOperation,
  deleteRecurrenceOperation,
  enableRecurrenceOperation,
  readRecurrenceOperation,
  searchRecurrencesOperation,
  type Recurrence,
} from '@dais/api/executions';
import type { RecordCondition } from '@dais/api/tracking';
import { route, type CallOperation, type Refusals, type Route } from '../route.ts';
import { listFields, nextPage, readList } from '../wire/list-request.ts';
import { bool, enumeration, int64, nested, string, struct, time, outputOnly, type Values } from '../wire/message.ts';
import { invalid, RpcError } from '../wire/rpc-status.ts';
import { showTime } from '../wire/time.ts';
import { usableExperiment } from './experiment-routes.ts';
import { metadataOf, sourceFields, sourceMessage, sourceOf } from './pipeline-source.ts';
import { recordSearch, type SearchFields } from './record-search.ts';
import { requireName } from './run-routes.ts';

/** Limit of concurrent runs. */
const MOST_AT_ONCE = 10;

const triggerFields = {
  cron_schedule: nested({ start_time: time, end_time: time, cron: string }),
  periodic_schedule: nested({ start_time: time, end_time: time, interval_second: int64 }),
};

const recurringFields = {
  ...sourceFields,
  recurring_run_id: outputOnly,
  display_name: string,
  description: string,
  max_concurrency: int64,
  trigger: nested(triggerFields),
  mode: enumeration({ MODE_UNSPECIFIED: 0, ENABLE: 1, DISABLE: 2 }),
  created_at: outputOnly,
  updated_at: outputOnly,
  status: outputOnly,
  error: outputOnly,
  no_catchup: bool,
  namespace: string,
  experiment_id: string,
  plugins_input: struct,
};

const FIELDS: SearchFields = {
  recurring_run_id: { field: 'id', type: 'id' },
  id: { field: 'id', type: 'id' },
  display_name: { field: 'name', type: 'text' },
  name: { field: 'name', type: 'text' },
  description: { field: 'description', type: 'text' },
  created_at: { field: 'createdAt', type: 'moment' },
  updated_at: { field: 'updatedAt', type: 'moment' },
};

export const recurringRunRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/recurringruns',
    operation: createRecurrenceOperation,
    body: 'recurring_run',
    request: recurringFields,
    answer: async (values, call) => {
      const { display_name: name = '', description = '', mode, no_catchup: noCatchUp = false } = values;
      requireName(name, 'recurring run');
      if (mode === undefined || mode === 'MODE_UNSPECIFIED') throw invalid('mode: one of ENABLE, DISABLE is expected');
      if (Object.keys(values.plugins_input ?? {}).length > 0)
        throw invalid('plugins_input: this server has no plugins');
      const trigger = triggerOf(values.trigger);
      const made = await call(createRecurrenceOperation, {
        ...(await sourceOf(values, call)),
        ...trigger,
        name,
        ...(description !== '' && { description }),
        parameters: { ...(values.runtime_config?.parameters as Record<string, never> | undefined) },
        catchUp: !noCatchUp,
        overlap: 'wait',
        mostAtOnce: Math.min(Math.max(values.max_concurrency ?? 1, 1), MOST_AT_ONCE),
        enabled: mode === 'ENABLE',
        experimentId: await usableExperiment(values.experiment_id ?? '', call),
        about: metadataOf(values),
      });
      return recurringMessage(made, { withSpec: true });
    },
  }),
  route({
    method: 'GET',
    path: '/recurringruns',
    operation: searchRecurrencesOperation,
    request: { ...listFields, namespace: string, experiment_id: string },
    answer: async (values, call) => {
      const { experiment_id: experiment = '' } = values;
      const of: RecordCondition[] = experiment === '' ? [] : [{ field: 'experimentId', is: '=', value: experiment }];
      const found = await call(searchRecurrencesOperation, recordSearch(readList(values), FIELDS, of) as never);
      return {
        // This field alone has a different format.
        recurringRuns: found.items.map((one) => recurringMessage(one, { withSpec: false })),
        total_size: found.total ?? 0,
        ...nextPage(found.nextCursor, values),
      };
    },
  }),
  route({
    method: 'GET',
    path: '/recurringruns/{recurring_run_id}',
    operation: readRecurrenceOperation,
    request: { recurring_run_id: string },
    answer: async ({ recurring_run_id: id = '' }, call) =>
      recurringMessage(await requireRecurrence(id, call), { withSpec: true }),
  }),
  enabling('enable', true),
  enabling('disable', false),
  route({
    method: 'DELETE',
    path: '/recurringruns/{recurring_run_id}',
    operation: deleteRecurrenceOperation,
    request: {
      recurring_run_id: string,
      propagation_policy: enumeration({
        DELETE_PROPAGATION_POLICY_UNSPECIFIED: 0,
        FOREGROUND: 1,
        BACKGROUND: 2,
        ORPHAN: 3,
      }),
    },
    answer: async ({ recurring_run_id: given = '' }, call) => {
      const { id } = await requireRecurrence(given, call);
      return await call(deleteRecurrenceOperation, { id }, gone(id));
    },
  }),
];

function enabling(verb: 'enable' | 'disable', enabled: boolean): Route {
  return route({
    method: 'POST',
    path: `/recurringruns/{recurring_run_id}:${verb}`,
    operation: enableRecurrenceOperation,
    request: {},
    answer: async (values, call) => {
      const { recurring_run_id: given = '' } = values as { readonly recurring_run_id?: string };
      const { id } = await requireRecurrence(given, call);
      await call(enableRecurrenceOperation, { id, enabled }, gone(id));
      return {};
    },
  });
}

function gone(id: string): Refusals {
  return { not_found: () => new RpcError('NOT_FOUND', `Job ${id.slice(0, 100)} not found`) };
}

async function requireRecurrence(id: string, call: CallOperation): Promise<Recurrence> {
  const named = id.slice(0, 64);
  return await call(readRecurrenceOperation, { id: named === '' ? '-' : named }, gone(id));
}

/** @throws RpcError `INVALID_ARGUMENT` */
function triggerOf(trigger: Values<typeof triggerFields> = {}) {
  const { cron_schedule: cron, periodic_schedule: periodic } = trigger;
  if ((cron === undefined) === (periodic === undefined)) {
    throw invalid('trigger: one of cron_schedule and periodic_schedule is expected');
  }
  const { start_time: startAt, end_time: endAt } = cron ?? periodic ?? {};
  const range = { ...(startAt !== undefined && { startAt }), ...(endAt !== undefined && { endAt }) };
  for (const [name, moment] of Object.entries(range)) {
    if (moment < 0) throw invalid(`trigger: ${name === 'startAt' ? 'start_time' : 'end_time'} is before 1970`);
  }
  if (startAt !== undefined && endAt !== undefined && endAt < startAt)
    throw invalid('trigger: end_time is before start_time');
  if (cron !== undefined) {
    const text = cron.cron ?? '';
    if (text === '') throw invalid('trigger.cron_schedule.cron is missing');
    return { ...range, when: { type: 'cron', cron: text, zone: 'UTC' } } as const;
  }
  const seconds = periodic?.interval_second ?? 0;
  if (seconds < 1)
    throw invalid('trigger.periodic_schedule.interval_second: a number of seconds of at least 1 is expected');
  return { ...range, when: { type: 'interval', seconds } } as const;
}

function recurringMessage(recurrence: Recurrence, { withSpec }: { readonly withSpec: boolean }) {
  const { id, name, description, when, startAt, endAt, enabled, createdAt, updatedAt } = recurrence;
  const range = {
    ...(startAt !== undefined && { start_time: showTime(startAt) }),
    ...(endAt !== undefined && { end_time: showTime(endAt) }),
  };
  return {
    recurring_run_id: id,
    display_name: name,
    ...(description !== undefined && { description }),
    ...sourceMessage(recurrence, { withSpec }),
    max_concurrency: String(recurrence.mostAtOnce),
    ...(when.type === 'cron' && { trigger: { cron_schedule: { ...range, cron: when.cron } } }),
    ...(when.type === 'interval' && {
      trigger: { periodic_schedule: { ...range, interval_second: String(when.seconds) } },
    }),
    mode: enabled ? 'ENABLE' : 'DISABLE',
    created_at: showTime(createdAt),
    updated_at: showTime(updatedAt),
    status: enabled ? 'ENABLED' : 'DISABLED',
    ...(!recurrence.catchUp && { no_catchup: true }),
    experiment_id: recurrence.experimentId ?? '0',
  };
}
