import type { CommandDefinition, OptionDefinition } from '#commands/definition.ts';

const data: OptionDefinition = {
  flags: '--data <folder>',
  description: 'data folder; default: $DAIS_DATA, /var/lib/dais for root, else ~/.dais',
  completes: 'folder',
};
const config: OptionDefinition = {
  flags: '--config <file>',
  description: 'DaisConfig manifest; default: $DAIS_CONFIG',
  completes: 'file',
};

export const adminCommands: readonly CommandDefinition[] = [
  {
    name: 'admin backup',
    group: 'Server',
    summary: 'Write everything that Dais keeps into a folder',
    details:
      'Works while the server runs, on a data folder of this machine. Keys are never part of it: store them separately.',
    arguments: [{ syntax: '<folder>', description: 'a new or empty folder' }],
    options: [
      data,
      config,
      { flags: '--skip-damaged', description: 'leave damaged content out and list it in backup.json' },
    ],
    examples: [
      { command: 'admin backup /backup/monday', does: 'database and content' },
      { command: 'admin backup /backup/monday --skip-damaged', does: 'everything that is not damaged' },
      { command: 'admin backup /backup/monday --data /srv/dais', does: 'of another data folder' },
    ],
    load: async () => ({ run: (await import('#commands/admin.ts')).backup }),
  },
  {
    name: 'admin restore',
    group: 'Server',
    summary: 'Restore a backup into an empty data folder',
    details: 'Reads the whole backup and checks its keys before it changes anything.',
    arguments: [{ syntax: '<folder>', description: 'what `dais admin backup` wrote' }],
    options: [data, config],
    examples: [
      { command: 'admin restore /backup/monday', does: 'into the default data folder' },
      { command: 'admin restore /backup/monday --data /srv/dais', does: 'into another one' },
    ],
    load: async () => ({ run: (await import('#commands/admin.ts')).restore }),
  },
  {
    name: 'admin export',
    group: 'Server',
    summary: 'Write the database into one file that any PostgreSQL can take in',
    details: 'To move from the embedded database to your own, or to a new major version.',
    arguments: [{ syntax: '<file>', description: 'a new file' }],
    options: [data, config],
    examples: [{ command: 'admin export dais.export', does: 'with a checksum for each table' }],
    load: async () => ({ run: (await import('#commands/admin.ts')).exportDatabase }),
  },
  {
    name: 'admin import',
    group: 'Server',
    summary: 'Read such a file into an empty database',
    arguments: [{ syntax: '<file>', description: 'what `dais admin export` wrote' }],
    options: [data, config, { flags: '--database-url <url>', description: 'the database to fill' }],
    examples: [
      { command: 'admin import dais.export', does: 'into a new data folder' },
      {
        command: 'admin import dais.export --database-url postgres://dais@db/dais',
        does: 'into a database of your own',
      },
    ],
    load: async () => ({ run: (await import('#commands/admin.ts')).importDatabase }),
  },
  {
    name: 'admin content',
    group: 'Server',
    summary: 'Show the progress of the scrub, and damaged content with what uses it',
    details: 'Exit code 1 means that something is damaged.',
    examples: [
      { command: 'admin content', does: 'what is damaged, and in which project?' },
      { command: 'admin content -o json', does: 'for a script' },
    ],
    load: async () => ({ run: (await import('#commands/admin-content.ts')).content }),
  },
  {
    name: 'admin scrub',
    group: 'Server',
    summary: 'Read all stored content and mark what is damaged',
    details:
      'The server does it in the background, within `content.scrubBytesPerSecond`, and continues after a restart.',
    options: [
      { flags: '--wait', description: 'until all content was read; exit code 1: something is damaged' },
      { flags: '--timeout <time>', description: 'longest wait: 90s, 5m, 1h', default: '1h', type: 'duration' },
    ],
    examples: [
      { command: 'admin scrub', does: '`dais admin content` shows its progress' },
      { command: 'admin scrub --wait', does: 'until it is done' },
    ],
    load: async () => ({ run: (await import('#commands/admin-content.ts')).scrub }),
  },
  {
    name: 'admin keys',
    group: 'Server',
    summary: 'List the key-encryption keys and how many values of secrets each seals',
    examples: [
      { command: 'admin keys', does: 'current first; is a key missing?' },
      { command: 'admin keys -o json', does: 'for a script' },
    ],
    load: async () => ({ run: (await import('#commands/admin-keys.ts')).listKeys }),
  },
  {
    name: 'admin rotate-keys',
    group: 'Server',
    summary: 'Make a new key-encryption key and seal every secret under it',
    details: 'The server does the sealing in the background; the keys before stay until no value needs them.',
    options: [
      { flags: '--wait', description: 'until every value is sealed under the new key' },
      { flags: '--timeout <time>', description: 'longest wait: 90s, 5m, 1h', default: '5m', type: 'duration' },
    ],
    examples: [
      { command: 'admin rotate-keys', does: '`dais admin keys` shows how far it is' },
      { command: 'admin rotate-keys --wait', does: 'until it is done' },
    ],
    load: async () => ({ run: (await import('#commands/admin-keys.ts')).rotateKeys }),
  },
];
