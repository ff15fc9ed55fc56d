import type { CommandDefinition } from '#commands/definition.ts';

const SELECTION = [
  { flags: '-s, --service <service>', description: 'a FeatureService' },
  {
    flags: '-f, --feature <view:feature>',
    description: 'one feature, instead of a service',
    repeatable: true as const,
  },
];

/** Features: as they are, as they were, and what brings them. */
export const featureCommands: readonly CommandDefinition[] = [
  {
    name: 'features list',
    group: 'Data',
    summary: 'List the feature views, how fresh they are online and who takes them',
    examples: [{ command: 'features list', does: 'all of the project' }],
    load: async () => ({ run: (await import('#features/list.ts')).listFeatures }),
  },
  {
    name: 'features get',
    group: 'Data',
    summary: 'Read features as they are now',
    arguments: [
      { syntax: '<keys...>', description: 'join keys and fields of the request: code=FRA, several: code=FRA,MUC' },
    ],
    options: SELECTION,
    examples: [{ command: 'features get code=FRA,MUC --service flight-delay-v1', does: 'for two airports' }],
    load: async () => ({ run: (await import('#features/get.ts')).getFeatures }),
  },
  {
    name: 'features push',
    group: 'Data',
    summary: 'Bring rows of a view',
    arguments: [
      { syntax: '<view>', description: 'its name' },
      { syntax: '<file>', description: 'JSON: columns with their values; `-` for standard input' },
    ],
    options: [
      {
        flags: '--to <where>',
        description: 'where to; offline: they become rows of the dataset of the view',
        choices: ['online', 'offline', 'both'],
        default: 'online',
      },
    ],
    examples: [{ command: 'features push airport-weather rows.json', does: 'online, where the newer event time wins' }],
    load: async () => ({ run: (await import('#features/push.ts')).pushFeatures }),
  },
  {
    name: 'features materialize',
    group: 'Data',
    summary: 'Bring the newest values of a view online',
    arguments: [{ syntax: '<view>', description: 'its name' }],
    options: [
      { flags: '--full', description: 'all that still counts; default: from where the last one ended' },
      { flags: '--from <time>', description: 'event times from here on, itself included' },
      { flags: '--to <time>', description: 'event times up to here, itself included; default: now' },
      { flags: '--no-wait', description: 'only start it' },
    ],
    examples: [{ command: 'features materialize airport-weather', does: 'what is new' }],
    load: async () => ({ run: (await import('#features/work.ts')).materialize }),
  },
  {
    name: 'features build',
    group: 'Data',
    summary: 'Build a version of a dataset: rows of another, with the features that were known at the moment of each',
    arguments: [
      { syntax: '<dataset>', description: 'the dataset that gets the version; it is made when it is not there' },
    ],
    options: [
      ...SELECTION,
      { flags: '-e, --entities <version>', description: 'the version whose rows are asked about: flights@7' },
      {
        flags: '--event-time <column>',
        description: 'their column with the moment; default: the event time of their dataset',
      },
      { flags: '--from <time>', description: 'without entities: event times from here on' },
      { flags: '--to <time>', description: 'without entities: event times up to here' },
      { flags: '--created-cutoff', description: 'rows that were written after the moment do not count' },
      { flags: '--full-names', description: 'columns are called view__feature' },
      { flags: '--no-wait', description: 'only start it' },
    ],
    examples: [
      { command: 'features build training --service flight-delay-v1 --entities flights@7', does: 'a training dataset' },
    ],
    load: async () => ({ run: (await import('#features/work.ts')).build }),
  },
  {
    name: 'features check',
    group: 'Data',
    summary: 'Compare what is read online with what the sources say',
    details: 'Exits with 1 when something differs.',
    options: [
      ...SELECTION,
      { flags: '--sample <n>', description: 'how many entities', type: 'integer', default: 1000 },
    ],
    examples: [{ command: 'features check --service flight-delay-v1', does: 'a thousand entities of each view' }],
    load: async () => ({ run: (await import('#features/check.ts')).checkFeatures }),
  },
];
