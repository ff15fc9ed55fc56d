import type { ArgumentDefinition, CommandDefinition, OptionDefinition } from '#commands/definition.ts';

const kind: ArgumentDefinition = {
  syntax: '<kind>',
  description: 'Secret, secret or secrets; KIND/NAME in one word too',
  completes: 'kind',
};
const oneName: ArgumentDefinition = { syntax: '[name]', description: 'name of the resource', completes: 'name' };
const selector: OptionDefinition = {
  flags: '-l, --selector <labels>',
  description: 'only those whose labels match: team=vision,stage!=dev,owner',
};
const timeout: OptionDefinition = {
  flags: '--timeout <time>',
  description: 'longest wait: 90s, 5m, 1h',
  default: '5m',
  type: 'duration',
};

export const resourceCommands: readonly CommandDefinition[] = [
  {
    name: 'get',
    group: 'Resources',
    summary: 'List resources of a kind, or show some by name',
    arguments: [kind, { syntax: '[names...]', description: 'only these', completes: 'name' }],
    options: [
      selector,
      { flags: '-w, --watch', description: 'then show every change until stopped' },
      { flags: '-A, --all-projects', description: 'in every project' },
      { flags: '--owner <name>', description: 'only those of this set of manifests' },
      { flags: '--origin <client>', description: 'only those made by this kind of client' },
    ],
    examples: [
      { command: 'get secrets', does: 'all of them' },
      { command: 'get secret chat-webhook -o yaml', does: 'one, complete' },
      { command: 'get channels -l team=vision -w', does: 'by label, and follow' },
      { command: 'get secrets -A -o name', does: 'names only, in every project' },
    ],
    load: () => import('#commands/get.ts'),
  },
  {
    name: 'describe',
    group: 'Resources',
    summary: 'Show everything about one resource: spec, conditions, where it came from, what happened',
    arguments: [kind, oneName],
    examples: [
      { command: 'describe channel operations-desk', does: 'why is it not ready?' },
      { command: 'describe secret/chat-webhook', does: 'the same for a secret' },
    ],
    load: () => import('#commands/describe.ts'),
  },
  {
    name: 'edit',
    group: 'Resources',
    summary: 'Change one resource in $VISUAL or $EDITOR',
    details:
      'What is refused comes back into the editor with the reasons above it. If somebody else changed the resource meanwhile, you are shown what changed. Your text is never lost.',
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
    details: 'What others refer to is kept, and they are named.',
    arguments: [kind, { syntax: '[names...]', description: 'which ones', completes: 'name' }],
    options: [
      selector,
      { flags: '--yes', description: 'do not ask before deleting by --selector' },
      { flags: '--wait', description: 'until they are gone' },
      timeout,
    ],
    examples: [
      { command: 'delete secret old-token', does: 'one' },
      { command: 'delete secrets -l stage=dev', does: 'by label, after asking' },
      { command: 'delete project flights --wait', does: 'until it is gone' },
    ],
    load: () => import('#commands/delete.ts'),
  },
  {
    name: 'history',
    group: 'Resources',
    summary: 'List the revisions of a resource, newest first',
    arguments: [kind, oneName],
    options: [{ flags: '--limit <n>', description: 'at most so many', default: 20, type: 'integer' }],
    examples: [
      { command: 'history project flights', does: 'who changed what, from which commit' },
      { command: 'history secret/chat-webhook -o yaml', does: 'with the spec of each' },
    ],
    load: () => import('#commands/history.ts'),
  },
  {
    name: 'rollback',
    group: 'Resources',
    summary: 'Bring an older revision back as a new one; of an endpoint, the version that answered before',
    details:
      'Write-only values, as in secrets, are not kept in revisions and stay as they are. One name alone is that of an endpoint: a rollout that is under way is aborted, else the version before takes over at once.',
    arguments: [kind, oneName],
    options: [
      { flags: '--to <revision>', description: 'default: the one before the present', type: 'integer' },
      { flags: '--reason <text>', description: 'of an endpoint: why; stands in the record' },
    ],
    examples: [
      { command: 'rollback delays', does: 'the endpoint answers with the version before' },
      { command: 'rollback project flights', does: 'the last change undone' },
      { command: 'rollback project flights --to 3', does: 'a revision that `dais history` lists' },
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
      { syntax: '[verb]', description: 'the action' },
    ],
    options: [{ flags: '--set <field=value>', description: 'a field of its input; JSON or text', repeatable: true }],
    examples: [
      { command: 'action channel operations-desk test', does: 'a test alert' },
      { command: 'action channel operations-desk test --set message="Hello"', does: 'with a text' },
    ],
    load: () => import('#commands/action.ts'),
  },
  {
    name: 'events',
    group: 'Resources',
    summary: 'Show what happened, newest first',
    arguments: [
      { syntax: '[kind]', description: 'only about this kind', completes: 'kind' },
      { syntax: '[name]', description: 'only about this resource', completes: 'name' },
    ],
    options: [
      { flags: '-w, --watch', description: 'show what happens from now on until stopped' },
      { flags: '--organisation', description: 'of kinds of the organisation, such as Project' },
      { flags: '--type <type>', description: 'only of this type, as in resource.updated' },
      { flags: '--limit <n>', description: 'at most so many', default: 50, type: 'integer' },
    ],
    examples: [
      { command: 'events', does: 'the last 50' },
      { command: 'events secret chat-webhook', does: 'about one resource' },
      { command: 'events -w -o json', does: 'follow, one JSON object a line' },
    ],
    load: () => import('#commands/events.ts'),
  },
  {
    name: 'lineage',
    group: 'Resources',
    summary: 'Show what something was made from, and what uses it',
    details:
      'Model versions, dataset versions, runs, endpoints, features and predictions of all protocols share one graph.',
    arguments: [
      {
        syntax: '<subject>',
        description: 'MODEL/VERSION, DATASET@VERSION, run:ID, or a node that another answer shows',
      },
    ],
    options: [
      { flags: '--upstream', description: 'only what it was made from' },
      { flags: '--downstream', description: 'only what uses it' },
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
