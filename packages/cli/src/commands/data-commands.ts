import type { CommandDefinition } from '#commands/definition.ts';
import { qualityCommands } from '#commands/quality-commands.ts';

const REFERENCE = 'a dataset, or a version of it: flights, flights@3, flights@2026-11-01, flights@TAG';

/** Datasets and their versions. */
export const dataCommands: readonly CommandDefinition[] = [
  {
    name: 'data push',
    group: 'Data',
    summary: 'Make a version of a dataset from files',
    details:
      'CSV, JSON, NDJSON, Parquet and Arrow, also .gz and .zst; folders with all that lies below them. Files that are known are not sent; a push that was interrupted goes on where it stopped when it is said again.',
    arguments: [
      { syntax: '<dataset>', description: 'its name; it is made when it is not there' },
      { syntax: '<files...>', description: 'files or folders' },
    ],
    options: [
      { flags: '-m, --message <text>', description: 'why, or what is new' },
      { flags: '--tag <tag>', description: 'what the version is called beside its number', repeatable: true },
      {
        flags: '--keep-rejects',
        description: 'leave rows out that cannot be read, and keep them for `dais data rejects`',
      },
      { flags: '--no-create', description: 'fail when there is no such dataset' },
      { flags: '--no-wait', description: 'do not wait for the version' },
    ],
    examples: [
      { command: 'data push flights flights.csv', does: 'one file' },
      { command: 'data push flights raw/ -m "November"', does: 'all files of a folder' },
    ],
    load: async () => ({ run: (await import('#data/push.ts')).push }),
  },
  {
    name: 'data refresh',
    group: 'Data',
    summary: 'Read the source of a dataset again',
    arguments: [{ syntax: '<dataset>', description: 'its name' }],
    options: [
      { flags: '-m, --message <text>', description: 'why' },
      { flags: '--no-wait', description: 'do not wait for the version' },
    ],
    examples: [{ command: 'data refresh flights', does: 'a new version, if there is something new' }],
    load: async () => ({ run: (await import('#data/push.ts')).refresh }),
  },
  {
    name: 'data pull',
    group: 'Data',
    summary: 'Fetch the Parquet files of a version',
    details: 'Files that are there already stay. Whoever sees columns masked gets one masked file.',
    arguments: [
      { syntax: '<version>', description: REFERENCE },
      { syntax: '[folder]', description: 'where to; default: a folder called as the dataset' },
    ],
    options: [
      { flags: '--format <format>', description: 'as one file of this format', choices: ['parquet', 'csv'] },
      { flags: '--force', description: 'remove other Parquet files that a pull left in the folder' },
    ],
    examples: [
      { command: 'data pull flights@3', does: 'into ./flights' },
      { command: 'data pull flights --format csv', does: 'as flights/flights.csv' },
    ],
    load: async () => ({ run: (await import('#data/pull.ts')).pull }),
  },
  {
    name: 'data versions',
    group: 'Data',
    summary: 'List the versions of a dataset, the newest first',
    arguments: [{ syntax: '<dataset>', description: 'its name' }],
    options: [
      {
        flags: '--state <state>',
        description: 'only those',
        choices: ['building', 'ready', 'quarantined', 'broken', 'deleted'],
      },
      { flags: '--limit <n>', description: 'at most so many', type: 'integer', default: 50 },
    ],
    examples: [{ command: 'data versions flights', does: 'with rows, bytes and tags' }],
    load: async () => ({ run: (await import('#data/versions.ts')).listVersions }),
  },
  {
    name: 'data head',
    group: 'Data',
    summary: 'Show the first rows of a version',
    arguments: [{ syntax: '<version>', description: REFERENCE }],
    options: [{ flags: '-n, --rows <n>', description: 'how many', type: 'integer', default: 10 }],
    examples: [{ command: 'data head flights@latest', does: 'ten rows' }],
    load: async () => ({ run: (await import('#data/rows.ts')).head }),
  },
  {
    name: 'data sql',
    group: 'Data',
    summary: 'Run one SELECT over datasets',
    details: 'A table is a dataset or a version: flights, "flights@3". Masked columns stay masked.',
    arguments: [{ syntax: '<sql>', description: 'in the dialect of DuckDB; `-` reads it from standard input' }],
    options: [{ flags: '--limit <n>', description: 'at most so many rows', type: 'integer', default: 100 }],
    examples: [{ command: 'data sql - < delays.sql', does: 'the query of a file' }],
    load: async () => ({ run: (await import('#data/rows.ts')).sql }),
  },
  {
    name: 'data diff',
    group: 'Data',
    summary: 'Show what changed between two versions',
    details: 'With one version: the changes from the ready version before it.',
    arguments: [
      { syntax: '<version>', description: REFERENCE },
      { syntax: '[to]', description: 'a later version of the same dataset: 5, a tag, or flights@5' },
    ],
    options: [{ flags: '-n, --samples <n>', description: 'rows of each sort', type: 'integer', default: 5 }],
    examples: [
      { command: 'data diff flights', does: 'the newest version and the one before it' },
      { command: 'data diff flights@3 flights@5', does: 'the changes from version 3 to version 5' },
    ],
    load: async () => ({ run: (await import('#data/diff.ts')).diff }),
  },
  {
    name: 'data tag',
    group: 'Data',
    summary: 'Give a version a tag, or take a tag away',
    arguments: [
      { syntax: '<version>', description: 'flights@3; with --remove: the dataset' },
      { syntax: '<tag>', description: 'letters, digits and `._-`' },
    ],
    options: [{ flags: '--remove', description: 'take the tag away' }],
    examples: [
      { command: 'data tag flights@3 gold', does: 'then flights@gold is version 3' },
      { command: 'data tag flights gold --remove', does: 'nothing is called so any more' },
    ],
    load: async () => ({ run: (await import('#data/versions.ts')).tag }),
  },
  {
    name: 'data restore',
    group: 'Data',
    summary: 'Make a new version of the data of an older one',
    arguments: [{ syntax: '<version>', description: 'flights@3' }],
    options: [{ flags: '-m, --message <text>', description: 'why' }],
    examples: [{ command: 'data restore flights@3', does: 'nothing is copied' }],
    load: async () => ({ run: (await import('#data/versions.ts')).restore }),
  },
  {
    name: 'data delete',
    group: 'Data',
    summary: 'Delete the files of a version',
    arguments: [{ syntax: '<version>', description: 'flights@3' }],
    options: [{ flags: '--reason <text>', description: 'why; stays with what the version was' }],
    examples: [{ command: 'data delete flights@3', does: 'lineage and runs still name it' }],
    load: async () => ({ run: (await import('#data/versions.ts')).remove }),
  },
  {
    name: 'data rejects',
    group: 'Data',
    summary: 'Show the rows of a push that could not be read',
    arguments: [
      { syntax: '<dataset>', description: 'its name' },
      { syntax: '[push]', description: 'its id; default: the latest' },
    ],
    examples: [{ command: 'data rejects flights > rejects.ndjson', does: 'one JSON object on each line' }],
    load: async () => ({ run: (await import('#data/push.ts')).rejects }),
  },
  ...qualityCommands,
];
