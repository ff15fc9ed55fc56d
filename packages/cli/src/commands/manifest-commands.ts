import type { CommandDefinition, OptionDefinition } from '#commands/definition.ts';

const sourceOptions: readonly OptionDefinition[] = [
  {
    flags: '-f, --file <path>',
    description: 'file, folder or `-` for standard input',
    repeatable: true,
    required: true,
    completes: 'file',
  },
  { flags: '-R, --recursive', description: 'read folders recursively' },
  { flags: '--owner <name>', description: 'name of this set of manifests' },
  {
    flags: '--prune',
    description: 'delete resources of the same --owner that are not in the manifests',
  },
  { flags: '--take-over', description: 'change resources that another kind of client created' },
];

export const manifestCommands: readonly CommandDefinition[] = [
  {
    name: 'apply',
    group: 'Manifests',
    summary: 'Apply manifests, all of them or none',
    details:
      'Reads YAML or JSON with any number of documents. From a git checkout, each revision keeps the remote, the commit, the path and whether the file had changes.',
    options: [
      ...sourceOptions,
      { flags: '--wait', description: 'wait until the resources are ready' },
      { flags: '--timeout <time>', description: 'maximum wait: 90s, 5m, 1h', default: '5m', type: 'duration' },
    ],
    examples: [
      { command: 'apply -f secret.yaml', does: 'one file' },
      { command: 'apply -R -f deploy/ --owner deploy --prune', does: 'a folder; deletes removed resources' },
      { command: 'apply -f channel.yaml --wait', does: 'waits until the channel is ready' },
      { command: 'explain Project --example | dais apply -f -', does: 'from standard input' },
    ],
    load: () => import('#commands/apply.ts'),
  },
  {
    name: 'plan',
    group: 'Manifests',
    summary: 'Show field by field what apply would change',
    details: 'Exits with 0 without changes and with 10 with changes.',
    options: sourceOptions,
    examples: [
      { command: 'plan -f secret.yaml', does: 'preview of apply' },
      { command: 'plan -R -f deploy/ --owner deploy --prune', does: 'with deletions' },
      { command: 'plan -f deploy/ -o json', does: 'for scripts; exit code 10 means changes' },
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
      { flags: '--all', description: 'include metadata and status' },
      { flags: '--example', description: 'print only a complete example manifest' },
    ],
    examples: [
      { command: 'explain', does: 'every kind' },
      { command: 'explain Secret', does: 'its fields and an example' },
      { command: 'explain AlertChannel.spec.send', does: 'one field and its subfields' },
      { command: 'explain Secret --example > secret.yaml', does: 'a file to start from' },
    ],
    load: () => import('#commands/explain.ts'),
  },
];
