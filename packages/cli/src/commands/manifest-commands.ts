import type { CommandDefinition, OptionDefinition } from '#commands/definition.ts';

const sourceOptions: readonly OptionDefinition[] = [
  {
    flags: '-f, --file <path>',
    description: 'file, folder or `-` for standard input',
    repeatable: true,
    required: true,
    completes: 'file',
  },
  { flags: '-R, --recursive', description: 'folders with all that lies below them' },
  { flags: '--owner <name>', description: 'name of the set that these manifests make up' },
  {
    flags: '--prune',
    description: 'delete what was applied with the same --owner before and is not among the manifests',
  },
  { flags: '--take-over', description: 'change resources that another kind of client made' },
];

export const manifestCommands: readonly CommandDefinition[] = [
  {
    name: 'apply',
    group: 'Manifests',
    summary: 'Make resources what manifests say, all of them or none',
    details:
      'Reads YAML or JSON with any number of documents. From a git checkout, each revision keeps the remote, the commit, the path and whether the file had changes.',
    options: [
      ...sourceOptions,
      { flags: '--wait', description: 'until the platform has made it so' },
      { flags: '--timeout <time>', description: 'longest wait: 90s, 5m, 1h', default: '5m', type: 'duration' },
    ],
    examples: [
      { command: 'apply -f secret.yaml', does: 'one file' },
      { command: 'apply -R -f deploy/ --owner deploy --prune', does: 'a folder; what left it is deleted' },
      { command: 'apply -f channel.yaml --wait', does: 'until the channel is ready' },
      { command: 'explain Project --example | dais apply -f -', does: 'from standard input' },
    ],
    load: () => import('#commands/apply.ts'),
  },
  {
    name: 'plan',
    group: 'Manifests',
    summary: 'Tell, field by field, what apply would change; changes nothing',
    details: 'Exits with 0 when nothing would change and with 10 when something would.',
    options: sourceOptions,
    examples: [
      { command: 'plan -f secret.yaml', does: 'what apply would do' },
      { command: 'plan -R -f deploy/ --owner deploy --prune', does: 'with deletions' },
      { command: 'plan -f deploy/ -o json', does: 'for a script; exit code 10 means changes' },
    ],
    load: () => import('#commands/plan.ts'),
  },
  {
    name: 'explain',
    group: 'Manifests',
    summary: 'Describe a kind or one of its fields',
    details: 'Without an argument, lists the kinds. Needs no server.',
    arguments: [{ syntax: '[field]', description: 'KIND or KIND.FIELD, as in Secret.spec.data', completes: 'field' }],
    options: [
      { flags: '--all', description: 'metadata and status too' },
      { flags: '--example', description: 'only a complete manifest, ready to be changed and applied' },
    ],
    examples: [
      { command: 'explain', does: 'every kind' },
      { command: 'explain Secret', does: 'its fields and an example' },
      { command: 'explain AlertChannel.spec.send', does: 'one field and what is below it' },
      { command: 'explain Secret --example > secret.yaml', does: 'a file to start from' },
    ],
    load: () => import('#commands/explain.ts'),
  },
];
