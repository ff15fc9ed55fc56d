import type { CommandDefinition } from '#commands/definition.ts';

export const policyCommands: readonly CommandDefinition[] = [
  {
    name: 'policy test',
    group: 'Server',
    summary: 'Validate policies and run their test cases offline',
    details: 'Exits with 1 when a test case fails and with 7 when a policy is invalid.',
    arguments: [{ syntax: '<files...>', description: 'files or folders with Policy and OrganizationPolicy manifests' }],
    options: [{ flags: '-R, --recursive', description: 'read folders recursively' }],
    examples: [
      { command: 'policy test policies.yaml', does: 'one file' },
      { command: 'policy test -R policies/', does: 'a folder, in CI' },
    ],
    load: async () => ({ run: (await import('#commands/policy.ts')).testFiles }),
  },
  {
    name: 'policy why',
    group: 'Server',
    summary: 'Explain whether an action is allowed, which policies decide it and what would allow it',
    details: 'You can check your own access. Checking others requires permission to read policies.',
    arguments: [
      { syntax: '<principal>', description: 'user:NAME, service:NAME, or `me`' },
      { syntax: '<action>', description: 'secret:read' },
      { syntax: '[resource]', description: 'Secret/NAME; default: all resources of the kind' },
    ],
    examples: [
      { command: 'policy why user:ada@example.com secret:delete Secret/prod-db', does: 'one resource' },
      { command: 'policy why service:ci alertChannel:write', does: 'all resources of a kind' },
      { command: 'policy why me secret:read -p vision', does: 'in another project' },
    ],
    load: async () => ({ run: (await import('#commands/policy.ts')).why }),
  },
  {
    name: 'policy simulate',
    group: 'Server',
    summary: 'Show which past decisions would change under other policies',
    details: 'Evaluates past decisions of the project. Exits with 10 when a decision would change.',
    arguments: [{ syntax: '[files...]', description: 'files or folders with proposed policies' }],
    options: [
      {
        flags: '--remove <policy>',
        description: 'Policy/NAME or OrganizationPolicy/NAME to leave out',
        repeatable: true,
      },
      { flags: '--decisions <n>', description: 'number of past decisions', default: 500, type: 'integer' },
    ],
    examples: [
      { command: 'policy simulate stricter.yaml', does: 'newly denied actions' },
      { command: 'policy simulate --remove OrganizationPolicy/freeze', does: 'effect of removing a policy' },
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
      { flags: '--policy <id>', description: 'only this policy: `no-pii`, `vision/no-pii`' },
      { flags: '--evaluate', description: 'evaluate the project first' },
      { flags: '--limit <n>', description: 'maximum number of violations', default: 200, type: 'integer' },
    ],
    examples: [
      { command: 'policy violations', does: 'effects of a policy in audit mode' },
      { command: 'policy violations --evaluate -o json', does: 'current state, as JSON' },
    ],
    load: async () => ({ run: (await import('#commands/policy-violations.ts')).violations }),
  },
  {
    name: 'policy audited',
    group: 'Server',
    summary: 'List requests that policies in audit mode would have denied, latest first',
    details: 'Counts requests by action and resource. Records are kept for 90 days after the last request.',
    options: [
      { flags: '--policy <id>', description: 'only this policy: `no-pii`, `vision/no-pii`' },
      { flags: '--limit <n>', description: 'maximum number of entries', default: 200, type: 'integer' },
    ],
    examples: [{ command: 'policy audited --policy vision/no-pii', does: 'before the policy is set to enforce' }],
    load: async () => ({ run: (await import('#commands/policy-violations.ts')).audited }),
  },
];
