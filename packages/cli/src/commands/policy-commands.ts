import type { CommandDefinition } from '#commands/definition.ts';

export const policyCommands: readonly CommandDefinition[] = [
  {
    name: 'policy test',
    group: 'Server',
    summary: 'Check the policies of files and run their tests; changes nothing',
    details: 'Exits with 1 when a case does not come out as expected, with 7 when a policy is not valid.',
    arguments: [{ syntax: '<files...>', description: 'files or folders with Policy and OrganisationPolicy manifests' }],
    options: [{ flags: '-R, --recursive', description: 'folders with all that lies below them' }],
    examples: [
      { command: 'policy test policies.yaml', does: 'one file' },
      { command: 'policy test -R policies/', does: 'a folder, as a CI system would' },
    ],
    load: async () => ({ run: (await import('#commands/policy.ts')).testFiles }),
  },
  {
    name: 'policy why',
    group: 'Server',
    summary: 'Tell whether somebody may do something, which policies decide it and what would allow it',
    details: 'Everybody may ask about themselves; about others, who may read policies.',
    arguments: [
      { syntax: '<principal>', description: 'user:NAME, service:NAME, or `me`' },
      { syntax: '<action>', description: 'secret:read' },
      { syntax: '[resource]', description: 'Secret/NAME; default: all of the kind' },
    ],
    examples: [
      { command: 'policy why user:ada@example.com secret:delete Secret/prod-db', does: 'one resource' },
      { command: 'policy why service:ci alertChannel:write', does: 'all of a kind' },
      { command: 'policy why me secret:read -p vision', does: 'in another project' },
    ],
    load: async () => ({ run: (await import('#commands/policy.ts')).why }),
  },
  {
    name: 'policy simulate',
    group: 'Server',
    summary: 'Tell which of the latest decisions would come out differently under other policies',
    details: 'Looks at what was done and refused in the project. Exits with 10 when something would change.',
    arguments: [{ syntax: '[files...]', description: 'files or folders with policies as they might be' }],
    options: [
      {
        flags: '--remove <policy>',
        description: 'Policy/NAME or OrganisationPolicy/NAME that is away',
        repeatable: true,
      },
      { flags: '--decisions <n>', description: 'how many of the latest decisions', default: 500, type: 'integer' },
    ],
    examples: [
      { command: 'policy simulate stricter.yaml', does: 'what would be refused now' },
      { command: 'policy simulate --remove OrganisationPolicy/freeze', does: 'what a policy does' },
    ],
    load: async () => ({ run: (await import('#commands/policy.ts')).simulate }),
  },
  {
    name: 'policy violations',
    group: 'Server',
    summary: 'List the endpoints and model aliases that violate a policy now',
    details:
      'Covers policies that use facts, in audit and in enforce mode. Each violation shows the lineage path to its cause. Dais evaluates again after changes and every hour.',
    options: [
      { flags: '--policy <id>', description: 'only of this policy: `no-pii`, `vision/no-pii`' },
      { flags: '--evaluate', description: 'evaluate the project before listing' },
      { flags: '--limit <n>', description: 'most violations that are listed', default: 200, type: 'integer' },
    ],
    examples: [
      { command: 'policy violations', does: 'what a policy in audit mode would affect' },
      { command: 'policy violations --evaluate -o json', does: 'as of now, for a program' },
    ],
    load: async () => ({ run: (await import('#commands/policy-violations.ts')).violations }),
  },
  {
    name: 'policy audited',
    group: 'Server',
    summary: 'List what policies in audit mode would have refused, latest first',
    details: 'Counts how often each action was done to a resource. Records are kept for 90 days after the last time.',
    options: [
      { flags: '--policy <id>', description: 'only of this policy: `no-pii`, `vision/no-pii`' },
      { flags: '--limit <n>', description: 'most entries that are listed', default: 200, type: 'integer' },
    ],
    examples: [{ command: 'policy audited --policy vision/no-pii', does: 'before the policy is set to enforce' }],
    load: async () => ({ run: (await import('#commands/policy-violations.ts')).audited }),
  },
];
