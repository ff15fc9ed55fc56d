import type { ArgumentDefinition, CommandDefinition, OptionDefinition } from '#commands/definition.ts';

const kind: ArgumentDefinition = {
  syntax: '<kind>',
  description: 'Secret, secret or secrets; also KIND/NAME',
  completes: 'kind',
};
const oneName: ArgumentDefinition = { syntax: '[name]', description: 'name of the resource', completes: 'name' };
const selector: OptionDefinition = {
  flags: '-l, --selector <labels>',
  description: 'only those whose labels match: team=vision,stage!=dev,owner',
};
const timeout: OptionDefinition = {
  flags: '--timeout <time>',
  description: 'maximum wait: 90s, 5m, 1h',
  default: '5m',
  type: 'duration',
};

export const resourceCommands: readonly CommandDefinition[] = [
  {
    name: 'get',
    group: 'Resources',
    summary: 'List resources of a kind, or show some by name',
    arguments: [kind, { syntax: '[names...]', description: 'only these resources', completes: 'name' }],
    options: [
      selector,
      { flags: '-w, --watch', description: 'then watch for changes' },
      { flags: '-A, --all-projects', description: 'in all projects' },
      { flags: '--owner <name>', description: 'only resources of this set of manifests' },
      { flags: '--origin <client>', description: 'only resources created by this kind of client' },
    ],
    examples: [
      { command: 'get secrets', does: 'all of them' },
      { command: 'get secret chat-webhook -o yaml', does: 'one complete resource' },
      { command: 'get channels -l team=vision -w', does: 'by label, and watch' },
      { command: 'get secrets -A -o name', does: 'names only, in all projects' },
    ],
    load: () => import('#commands/get.ts'),
  },
  {
    name: 'describe',
    group: 'Resources',
    summary: 'Show details of one resource: spec, conditions, origin and events',
    arguments: [kind, oneName],
    examples: [
      { command: 'describe channel operations-desk', does: 'find out why it is not ready' },
      { command: 'describe secret/chat-webhook', does: 'a secret' },
    ],
    load: () => import('#commands/describe.ts'),
  },
  {
    name: 'edit',
    group: 'Resources',
    summary: 'Edit one resource in $VISUAL or $EDITOR',
    details:
      'Rejected changes reopen in the editor with the reasons. If the resource changed meanwhile, the editor shows the conflicting changes. Your text is never lost.',
    arguments: [kind, oneName],
    examples: [
      { command: 'edit project flights', does: 'in $EDITOR' },
      { command: 'edit secret/chat-webhook', does: 'KIND/NAME' },
    ],
    load: () => import('#commands/edit.ts'),
  },
  {
    name: 'delete',
    group: 'Resources',
    summary: 'Delete resources',
    details: 'Resources that others refer to are kept, and the referrers are listed.',
    arguments: [kind, { syntax: '[names...]', description: 'resource names', completes: 'name' }],
    options: [
      selector,
      { flags: '--yes', description: 'do not ask for confirmation with --selector' },
      { flags: '--wait', description: 'wait until they are deleted' },
      timeout,
    ],
    examples: [
      { command: 'delete secret old-token', does: 'one' },
      { command: 'delete secrets -l stage=dev', does: 'by label, with confirmation' },
      { command: 'delete project flights --wait', does: 'waits until it is deleted' },
    ],
    load: () => import('#commands/delete.ts'),
  },
  {
    name: 'history',
    group: 'Resources',
    summary: 'List the revisions of a resource, newest first',
    arguments: [kind, oneName],
    options: [{ flags: '--limit <n>', description: 'maximum number of entries', default: 20, type: 'integer' }],
    examples: [
      { command: 'history project flights', does: 'changes with author and commit' },
      { command: 'history secret/chat-webhook -o yaml', does: 'with each spec' },
    ],
    load: () => import('#commands/history.ts'),
  },
  {
    name: 'rollback',
    group: 'Resources',
    summary: 'Roll back to an older revision, or an endpoint to its previous version',
    details:
      'Write-only values, as in secrets, are not part of revisions and stay unchanged. A single name refers to an endpoint: an active rollout is aborted, otherwise the previous version receives all traffic immediately.',
    arguments: [kind, oneName],
    options: [
      { flags: '--to <revision>', description: 'default: the previous revision', type: 'integer' },
      { flags: '--reason <text>', description: 'of an endpoint: reason, stored in the record' },
    ],
    examples: [
      { command: 'rollback delays', does: 'the endpoint serves the previous version' },
      { command: 'rollback project flights', does: 'undoes the last change' },
      { command: 'rollback project flights --to 3', does: 'a revision from `dais history`' },
    ],
    load: () => import('#commands/rollback.ts'),
  },
  {
    name: 'action',
    group: 'Resources',
    summary: 'Call an action of a resource; `dais explain KIND` lists them',
    arguments: [
      kind,
      { syntax: '<name>', description: 'name of the resource', completes: 'name' },
      { syntax: '[verb]', description: 'action name' },
    ],
    options: [{ flags: '--set <field=value>', description: 'input field; JSON or text', repeatable: true }],
    examples: [
      { command: 'action channel operations-desk test', does: 'a test alert' },
      { command: 'action channel operations-desk test --set message="Hello"', does: 'with a message' },
    ],
    load: () => import('#commands/action.ts'),
  },
  {
    name: 'events',
    group: 'Resources',
    summary: 'Show events, newest first',
    arguments: [
      { syntax: '[kind]', description: 'only events of this kind', completes: 'kind' },
      { syntax: '[name]', description: 'only events of this resource', completes: 'name' },
    ],
    options: [
      { flags: '-w, --watch', description: 'watch for new events' },
      { flags: '--organization', description: 'events of organization kinds, for example Project' },
      { flags: '--type <type>', description: 'only this type, for example resource.updated' },
      { flags: '--limit <n>', description: 'maximum number of entries', default: 50, type: 'integer' },
    ],
    examples: [
      { command: 'events', does: 'the last 50' },
      { command: 'events secret chat-webhook', does: 'one resource' },
      { command: 'events -w -o json', does: 'watch, one JSON object per line' },
    ],
    load: () => import('#commands/events.ts'),
  },
  {
    name: 'lineage',
    group: 'Resources',
    summary: 'Show the lineage of an object',
    details:
      'Model versions, dataset versions, runs, endpoints, features and predictions of all protocols share one graph.',
    arguments: [
      {
        syntax: '<subject>',
        description: 'MODEL/VERSION, DATASET@VERSION, run:ID, or a node from another result',
      },
    ],
    options: [
      { flags: '--upstream', description: 'only upstream nodes' },
      { flags: '--downstream', description: 'only downstream nodes' },
      { flags: '--depth <n>', description: 'maximum distance in edges', type: 'integer', default: 10 },
      { flags: '--limit <n>', description: 'maximum number of nodes', type: 'integer', default: 500 },
    ],
    examples: [
      { command: 'lineage flight-delay/7', does: 'both directions' },
      { command: 'lineage flights@3 --downstream', does: 'the runs, versions and endpoints that depend on it' },
      { command: 'lineage run:0199c1b28f0070019c6e5a3f40000001 -o json', does: 'the graph for a program' },
    ],
    load: async () => ({ run: (await import('#lineage/show.ts')).showLineage }),
  },
];
