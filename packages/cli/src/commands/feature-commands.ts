import type { CommandDefinition } from '#commands/definition.ts';

const SELECTION = [
  { flags: '-s, --service <service>', description: 'feature service' },
  {
    flags: '-f, --feature <view:feature>',
    description: 'single feature, instead of a service',
    repeatable: true as const,
  },
];

/** Features: online values, historical values and materialization. */
export const featureCommands: readonly CommandDefinition[] = [
  {
    name: 'features list',
    group: 'Data',
    summary: 'List feature views with online freshness and consumers',
    examples: [{ command: 'features list', does: 'all of the project' }],
    load: async () => ({ run: (await import('#features/list.ts')).listFeatures }),
  },
  {
    name: 'features get',
    group: 'Data',
    summary: 'Read current feature values',
    arguments: [{ syntax: '<keys...>', description: 'join keys and request fields: code=FRA, several: code=FRA,MUC' }],
    options: SELECTION,
    examples: [{ command: 'features get code=FRA,MUC --service flight-delay-v1', does: 'for two airports' }],
    load: async () => ({ run: (await import('#features/get.ts')).getFeatures }),
  },
  {
    name: 'features push',
    group: 'Data',
    summary: 'Push rows to a feature view',
    arguments: [
      { syntax: '<view>', description: 'feature view' },
      { syntax: '<file>', description: 'JSON object of columns and values; `-` for standard input' },
    ],
    options: [
      {
        flags: '--to <where>',
        description: 'target; offline: rows are added to the dataset of the view',
        choices: ['online', 'offline', 'both'],
        default: 'online',
      },
    ],
    examples: [{ command: 'features push airport-weather rows.json', does: 'online; the newer event time wins' }],
    load: async () => ({ run: (await import('#features/push.ts')).pushFeatures }),
  },
  {
    name: 'features materialize',
    group: 'Data',
    summary: 'Materialize the latest values of a view to the online store',
    arguments: [{ syntax: '<view>', description: 'feature view' }],
    options: [
      { flags: '--full', description: 'materialize everything within the TTL; default: continue after the last run' },
      { flags: '--from <time>', description: 'start of event times, inclusive' },
      { flags: '--to <time>', description: 'end of event times, inclusive; default: now' },
      { flags: '--no-wait', description: 'do not wait' },
    ],
    examples: [{ command: 'features materialize airport-weather', does: 'new rows only' }],
    load: async () => ({ run: (await import('#features/work.ts')).materialize }),
  },
  {
    name: 'features build',
    group: 'Data',
    summary: 'Build a training dataset with point-in-time correct features',
    arguments: [{ syntax: '<dataset>', description: 'output dataset; created if missing' }],
    options: [
      ...SELECTION,
      { flags: '-e, --entities <version>', description: 'entity dataset version: flights@7' },
      {
        flags: '--event-time <column>',
        description: 'timestamp column of the entities; default: the event time of their dataset',
      },
      { flags: '--from <time>', description: 'without entities: start of event times' },
      { flags: '--to <time>', description: 'without entities: end of event times' },
      { flags: '--created-cutoff', description: 'ignore rows that were written after the timestamp' },
      { flags: '--full-names', description: 'name columns view__feature' },
      { flags: '--no-wait', description: 'do not wait' },
    ],
    examples: [
      {
        command: 'features build training --service flight-delay-v1 --entities flights@7',
        does: 'builds a training dataset',
      },
    ],
    load: async () => ({ run: (await import('#features/work.ts')).build }),
  },
  {
    name: 'features check',
    group: 'Data',
    summary: 'Compare online with offline feature values',
    details: 'Exits with 1 when values differ.',
    options: [
      ...SELECTION,
      { flags: '--sample <n>', description: 'number of entities', type: 'integer', default: 1000 },
    ],
    examples: [{ command: 'features check --service flight-delay-v1', does: '1,000 entities of each view' }],
    load: async () => ({ run: (await import('#features/check.ts')).checkFeatures }),
  },
];
