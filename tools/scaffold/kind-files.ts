/** The files of a new kind: a slice (docs/decisions/0001) with a controller that plans in a pure function. */
import type { Names } from './names.ts';
import type { Scaffold } from './scaffold.ts';
import { addImport, addToList } from './text-edits.ts';

export function kindScaffold({ pascal, camel, kebab, plural, words }: Names): Scaffold {
  const slice = `packages/server/src/kinds/${kebab}`;
  return {
    files: {
      [`packages/api/src/kinds/${kebab}.ts`]: `import { z } from 'zod';
import { baseStatus, nameSchema, type KindSpec } from '#manifest.ts';

export const ${camel}Spec = z.strictObject({
  description: z.string().max(1024).optional().describe('Description.'),
});

export const ${camel}Status = z.strictObject({ ...baseStatus });

export const ${camel}Kind = {
  kind: '${pascal}',
  plural: '${plural}',
  scope: 'project',
  description: 'Describe the kind ${words} in one sentence.',
  name: nameSchema,
  spec: ${camel}Spec,
  status: ${camel}Status,
  actions: [],
  columns: [
    { title: 'Ready', path: 'status.conditions[Ready]' },
    { title: 'Description', path: 'spec.description', wide: true },
  ],
  example: \`apiVersion: dais.dev/v1
kind: ${pascal}
metadata:
  name: first-${kebab}
spec:
  description: An example
\`,
} as const satisfies KindSpec;
`,
      [`${slice}/index.ts`]: `import { ${camel}Kind } from '@dais/api';
import type { KindDefinition } from '#kernel/kind.ts';
import { ${camel}Controller } from './${kebab}-controller.ts';

export const ${camel}: KindDefinition = { spec: ${camel}Kind, controller: ${camel}Controller };
`,
      [`${slice}/${kebab}-plan.ts`]: `import type { ControllerInput, ControllerPlan } from '#kernel/kind.ts';

/** The external state, as \`observe\` returns it. */
export interface ${pascal}Observed {
  readonly exists: boolean;
}

/** An action of \`perform\`. After a crash, it runs again. */
export interface ${pascal}Effect {
  readonly type: 'create';
}

/** Returns the effects and conditions for the observed state, without I/O and without a clock. */
export function plan${pascal}({ observed }: ControllerInput<${pascal}Observed>): ControllerPlan<${pascal}Effect> {
  if (!observed.exists) {
    return {
      effects: [{ type: 'create' }],
      conditions: [{ type: 'Ready', status: 'False', reason: 'Creating', message: 'The ${words} is being created.' }],
    };
  }
  return {
    effects: [],
    conditions: [{ type: 'Ready', status: 'True', reason: 'Exists', message: 'The ${words} matches its spec.' }],
  };
}
`,
      [`${slice}/${kebab}-controller.ts`]: `import type { Controller } from '#kernel/kind.ts';
import { plan${pascal}, type ${pascal}Effect, type ${pascal}Observed } from './${kebab}-plan.ts';

/** The ${words} has no external state yet. */
export const ${camel}Controller: Controller<${pascal}Observed, ${pascal}Effect> = {
  observe: async () => ({ exists: true }),
  plan: plan${pascal},
  perform: async () => {},
};
`,
      [`${slice}/${kebab}-plan.test.ts`]: `import type { Resource } from '@dais/api';
import { expect, test } from 'vitest';
import { plan${pascal} } from './${kebab}-plan.ts';

const resource = { apiVersion: 'dais.dev/v1', kind: '${pascal}', spec: {}, status: {} } as unknown as Resource;

test('a missing ${words} is created and is not ready', () => {
  const { effects, conditions } = plan${pascal}({ resource, observed: { exists: false } });
  expect(effects).toEqual([{ type: 'create' }]);
  expect(conditions).toMatchObject([{ type: 'Ready', status: 'False' }]);
});

test('an existing ${words} is ready and has no effects', () => {
  const { effects, conditions } = plan${pascal}({ resource, observed: { exists: true } });
  expect(effects).toEqual([]);
  expect(conditions).toMatchObject([{ type: 'Ready', status: 'True' }]);
});
`,
      [`${slice}/${kebab}.int.test.ts`]: `import { afterAll, beforeAll, expect, test } from 'vitest';
import { startHttpFixture, type HttpFixture } from '#http/testing/http-fixture.ts';
import { project } from '#kinds/project/index.ts';
import { ${camel} } from './index.ts';

let fixture: HttpFixture;
beforeAll(async () => {
  fixture = await startHttpFixture({ kinds: [project, ${camel}] });
});
afterAll(async () => await fixture.stop());

test('an applied ${words} becomes ready', async () => {
  const body = ${camel}.spec.example;
  const headers = { 'content-type': 'application/yaml' };
  const applied = await fetch(\`\${fixture.url}/api/v1/apply\`, { method: 'POST', headers, body });
  expect(applied.status).toBe(200);
  const ready = async () => {
    const response = await fetch(\`\${fixture.url}/api/v1/${plural}/first-${kebab}\`);
    const { status } = (await response.json()) as { status: { conditions?: { type: string; status: string }[] } };
    return status.conditions?.find((condition) => condition.type === 'Ready')?.status;
  };
  await expect.poll(ready).toBe('True');
});
`,
    },
    edits: {
      'packages/api/src/kinds/index.ts': (text) =>
        addToList(addImport(text, `import { ${camel}Kind } from '#kinds/${kebab}.ts';`), 'all', `${camel}Kind`),
      'packages/api/src/index.ts': (text) =>
        addImport(text, `export { ${camel}Kind, ${camel}Spec, ${camel}Status } from '#kinds/${kebab}.ts';`),
      'packages/server/src/compose.ts': (text) => addKindToCompose(text, camel, kebab),
    },
    next: [
      `write the spec in packages/api/src/kinds/${kebab}.ts: the descriptions of the fields are the reference`,
      `plan in ${slice}/${kebab}-plan.ts and act in ${kebab}-controller.ts; delete both if the kind has no external state`,
      'npm run generate, then npm run check',
    ],
  };
}

/**
 * Adds an import and a list item to `loadKinds`. The list has the order of the reference pages.
 * @throws Error when the function has another form
 */
function addKindToCompose(text: string, camel: string, kebab: string): string {
  const start = text.indexOf('export async function loadKinds');
  const end = text.indexOf('\n}\n', start);
  const body = text.slice(start, end);
  const grown = body.replace(
    /\n {2}const loaded: KindsAndPolicies = \{\n((?: {4}\w+: [^\n]*,\n)*?) {4}kinds: \[([^\]]*?),?\s*\],/,
    `\n  const { ${camel} } = await import('#kinds/${kebab}/index.ts');\n  const loaded: KindsAndPolicies = {\n$1    kinds: [$2, ${camel}],`,
  );
  if (start < 0 || end < 0 || grown === body) {
    throw new Error(
      `loadKinds in packages/server/src/compose.ts has a form that this scaffold does not support: add ${camel} by hand`,
    );
  }
  return text.slice(0, start) + grown + text.slice(end);
}
