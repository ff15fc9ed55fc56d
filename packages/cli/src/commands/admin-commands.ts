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
    summary: 'Back up the database and all content to a folder',
    details:
      'Works while the server runs, on a data folder of this machine. The backup never contains keys: store them separately.',
    arguments: [{ syntax: '<folder>', description: 'a new or empty folder' }],
    options: [
      data,
      config,
      { flags: '--skip-damaged', description: 'leave damaged content out and list it in backup.json' },
    ],
    examples: [
      { command: 'admin backup /backup/monday', does: 'database and content' },
      { command: 'admin backup /backup/monday --skip-damaged', does: 'all undamaged content' },
      { command: 'admin backup /backup/monday --data /srv/dais', does: 'another data folder' },
    ],
    load: async () => ({ run: (await import('#commands/admin.ts')).backup }),
  },
  {
    name: 'admin restore',
    group: 'Server',
    summary: 'Restore a backup into an empty data folder',
    details: 'Reads the whole backup and checks its keys before it changes anything.',
    arguments: [{ syntax: '<folder>', description: 'folder written by `dais admin backup`' }],
    options: [data, config],
    examples: [
      { command: 'admin restore /backup/monday', does: 'into the default data folder' },
      { command: 'admin restore /backup/monday --data /srv/dais', does: 'into another data folder' },
    ],
    load: async () => ({ run: (await import('#commands/admin.ts')).restore }),
  },
  {
    name: 'admin recover',
    group: 'Server',
    summary: 'Recover the embedded database as of a moment from its archive',
    details:
      'Needs `database.archive` in the configuration, and a data folder without a database. Content is not part of the archive: it stays in the blob store.',
    options: [
      { flags: '--until <time>', description: 'last moment, as 2026-12-01T19:20:00Z; default: everything archived' },
      { flags: '--installation <id>', description: 'ID from --list, if the archive contains several' },
      { flags: '--list', description: 'list the archives and the range of each, and recover nothing' },
      data,
      config,
    ],
    examples: [
      { command: 'admin recover --config dais.yaml --list', does: 'what can be recovered' },
      {
        command: 'admin recover --config dais.yaml --until 2026-12-01T19:20:00Z --data /srv/recovered',
        does: 'all changes until then',
      },
    ],
    load: async () => ({ run: (await import('#commands/admin-recover.ts')).recover }),
  },
  {
    name: 'admin export',
    group: 'Server',
    summary: 'Export the database to one file that any PostgreSQL can import',
    details: 'Use it to move from the embedded database to your own, or to a new major version.',
    arguments: [{ syntax: '<file>', description: 'a new file' }],
    options: [data, config],
    examples: [{ command: 'admin export dais.export', does: 'with a checksum for each table' }],
    load: async () => ({ run: (await import('#commands/admin.ts')).exportDatabase }),
  },
  {
    name: 'admin import',
    group: 'Server',
    summary: 'Import an exported file into an empty database',
    arguments: [{ syntax: '<file>', description: 'file written by `dais admin export`' }],
    options: [data, config, { flags: '--database-url <url>', description: 'target database' }],
    examples: [
      { command: 'admin import dais.export', does: 'into a new data folder' },
      {
        command: 'admin import dais.export --database-url postgres://dais@db/dais',
        does: 'into your own database',
      },
    ],
    load: async () => ({ run: (await import('#commands/admin.ts')).importDatabase }),
  },
  {
    name: 'admin content',
    group: 'Server',
    summary: 'Show scrub progress, and damaged content with its users',
    details: 'Exit code 1 means that something is damaged.',
    examples: [
      { command: 'admin content', does: 'damaged content by project' },
      { command: 'admin content -o json', does: 'for a script' },
    ],
    load: async () => ({ run: (await import('#commands/admin-content.ts')).content }),
  },
  {
    name: 'admin scrub',
    group: 'Server',
    summary: 'Read all stored content and mark damaged objects',
    details:
      'The server does it in the background, within `content.scrubBytesPerSecond`, and continues after a restart.',
    options: [
      { flags: '--wait', description: 'wait until all content is read; exit code 1: damage was found' },
      { flags: '--timeout <time>', description: 'maximum wait: 90s, 5m, 1h', default: '1h', type: 'duration' },
    ],
    examples: [
      { command: 'admin scrub', does: '`dais admin content` shows its progress' },
      { command: 'admin scrub --wait', does: 'wait until done' },
    ],
    load: async () => ({ run: (await import('#commands/admin-content.ts')).scrub }),
  },
  {
    name: 'admin nodes',
    group: 'Server',
    summary: 'List the nodes of the installation with state, version, load and leases',
    details: 'A node is a Dais on one machine. All nodes of an installation share a database.',
    examples: [
      { command: 'admin nodes', does: 'by host' },
      { command: 'admin nodes -o json', does: 'for a script' },
    ],
    load: async () => ({ run: (await import('#commands/admin-nodes.ts')).listNodes }),
  },
  {
    name: 'admin create-node-token',
    group: 'Server',
    summary: 'Create a token with which a new node joins the installation',
    details:
      'A new data folder joins an installation with a live node only with a token. Start it with the database of the installation ' +
      'and the token in DAIS_NODE_JOIN_TOKEN. The token is shown only once; Dais stores its hash.',
    options: [
      {
        flags: '--role <role>',
        description: 'role with which a node may join; default: every role',
        choices: ['all', 'api', 'controller', 'gateway', 'worker'],
        repeatable: true,
      },
      { flags: '--uses <n>', description: 'number of nodes that may join with it', default: '1', type: 'integer' },
      {
        flags: '--expires-in <time>',
        description: 'time until it expires: 10m, 1h, 7d',
        default: '1h',
        type: 'duration',
      },
    ],
    examples: [
      { command: 'admin create-node-token --role worker', does: 'for one node that runs steps' },
      { command: 'admin create-node-token --role gateway --uses 10 --expires-in 1d', does: 'for ten gateways today' },
    ],
    load: async () => ({ run: (await import('#commands/admin-node-tokens.ts')).createNodeToken }),
  },
  {
    name: 'admin node-tokens',
    group: 'Server',
    summary: 'List the tokens with which new nodes can join',
    details: 'Without the tokens themselves. Expired and used tokens are not listed.',
    examples: [
      { command: 'admin node-tokens', does: 'newest first' },
      { command: 'admin node-tokens -o json', does: 'for a script' },
    ],
    load: async () => ({ run: (await import('#commands/admin-node-tokens.ts')).listNodeTokens }),
  },
  {
    name: 'admin revoke-node-token',
    group: 'Server',
    summary: 'Revoke a token with which new nodes can join',
    details: 'Nodes that have joined with it stay.',
    arguments: [{ syntax: '<id>', description: 'ID from `dais admin node-tokens`' }],
    examples: [
      {
        command: 'admin revoke-node-token 0199f3a2-6c1e-4d52-9a3b-1f0c5e7d8a90',
        does: 'no node joins with it',
      },
    ],
    load: async () => ({ run: (await import('#commands/admin-node-tokens.ts')).revokeNodeToken }),
  },
  {
    name: 'admin drain-node',
    group: 'Server',
    summary: 'Drain a node, before an upgrade or the end of its machine',
    details:
      'The node gives up its leases and takes no new work. Its readiness probes fail, so that load balancers send no more requests; ' +
      'it answers those that come. Jobs that still run at the end of the time limit move to another node. Steps continue: ' +
      'they survive a restart of Dais. A drained node stays drained until `dais admin resume-node`, also after a restart.',
    arguments: [{ syntax: '<id>', description: 'ID from `dais admin nodes`' }],
    options: [
      { flags: '--time-limit <time>', description: 'time for what runs: 90s, 5m, 1h', default: '5m', type: 'duration' },
      { flags: '--force', description: 'also if no other ready node does its work' },
      { flags: '--wait', description: 'wait until the node is drained' },
    ],
    examples: [
      {
        command: 'admin drain-node 0199f3a2-6c1e-4d52-9a3b-1f0c5e7d8a90 --wait',
        does: 'wait until done',
      },
      {
        command: 'admin drain-node 0199f3a2-6c1e-4d52-9a3b-1f0c5e7d8a90 --time-limit 30m',
        does: 'jobs have 30 minutes to end',
      },
    ],
    load: async () => ({ run: (await import('#commands/admin-nodes.ts')).drainNode }),
  },
  {
    name: 'admin resume-node',
    group: 'Server',
    summary: 'End the drain of a node',
    details: 'The node takes new work, and its readiness probes pass again.',
    arguments: [{ syntax: '<id>', description: 'ID from `dais admin nodes`' }],
    examples: [
      {
        command: 'admin resume-node 0199f3a2-6c1e-4d52-9a3b-1f0c5e7d8a90',
        does: 'after an upgrade',
      },
    ],
    load: async () => ({ run: (await import('#commands/admin-nodes.ts')).resumeNode }),
  },
  {
    name: 'admin remove-node',
    group: 'Server',
    summary: 'Remove a node that is drained or no longer runs',
    details: 'Releases the number of its gateway. Dais removes a node without contact for 30 days itself.',
    arguments: [{ syntax: '<id>', description: 'ID from `dais admin nodes`' }],
    examples: [
      {
        command: 'admin remove-node 0199f3a2-6c1e-4d52-9a3b-1f0c5e7d8a90',
        does: 'frees its gateway number',
      },
    ],
    load: async () => ({ run: (await import('#commands/admin-nodes.ts')).removeNode }),
  },
  {
    name: 'admin keys',
    group: 'Server',
    summary: 'List the key-encryption keys and the number of secret values that each encrypts',
    examples: [
      { command: 'admin keys', does: 'current key first' },
      { command: 'admin keys -o json', does: 'for a script' },
    ],
    load: async () => ({ run: (await import('#commands/admin-keys.ts')).listKeys }),
  },
  {
    name: 'admin rotate-keys',
    group: 'Server',
    summary: 'Create a new key-encryption key and re-encrypt every secret',
    details: 'The server re-encrypts in the background and keeps previous keys until no value needs them.',
    options: [
      { flags: '--wait', description: 'wait until every value is re-encrypted' },
      { flags: '--timeout <time>', description: 'maximum wait: 90s, 5m, 1h', default: '5m', type: 'duration' },
    ],
    examples: [
      { command: 'admin rotate-keys', does: '`dais admin keys` shows the progress' },
      { command: 'admin rotate-keys --wait', does: 'wait until done' },
    ],
    load: async () => ({ run: (await import('#commands/admin-keys.ts')).rotateKeys }),
  },
];
