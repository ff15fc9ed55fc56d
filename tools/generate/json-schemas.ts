import { configSchema, kinds, manifestSchema, projectKind, type KindSpec } from '@dais/api';
import { z } from 'zod';
import { REFERENCE, type GeneratedFile } from './generated-file.ts';
import { fileName } from './kind-pages.ts';
import { code, fence, page, table } from './markdown.ts';

/** Draft 7: the newest draft that every common editor understands. */
const TARGET = 'draft-7';

/** JSON Schemas for editors: one for each kind, one for files that mix kinds, one for the configuration. */
export function jsonSchemas(): GeneratedFile[] {
  return [
    schemasPage(),
    ...kinds.map((kind) => schemaFile(fileName(kind), { title: kind.kind, ...kindSchema(kind) })),
    schemaFile('manifest', anyKind()),
    schemaFile('config', { title: 'DaisConfig', ...withoutDialect(z.toJSONSchema(configSchema, options)) }),
  ];
}

const options = { io: 'input', target: TARGET } as const;

function kindSchema(kind: KindSpec): object {
  return withoutDialect(z.toJSONSchema(manifestSchema(kind), options));
}

/** Each file names its dialect once, at its head. */
function withoutDialect(schema: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => key !== '$schema'));
}

/** Chosen by `kind`, so that an editor complains about the kind that was meant and about no other. */
function anyKind(): object {
  return {
    title: 'Dais manifest',
    type: 'object',
    required: ['apiVersion', 'kind'],
    properties: { kind: { enum: kinds.map((kind) => kind.kind) } },
    allOf: kinds.map((kind) => ({
      if: { required: ['kind'], properties: { kind: { const: kind.kind } } },
      // oxlint-disable-next-line unicorn/no-thenable -- `then` is a keyword of JSON Schema; the object is never awaited
      then: kindSchema(kind),
    })),
  };
}

function schemaFile(name: string, schema: object): GeneratedFile {
  const whole = { $schema: 'http://json-schema.org/draft-07/schema#', ...schema };
  return { path: `${REFERENCE}/schemas/${name}.json`, text: `${JSON.stringify(whole, undefined, 2)}\n` };
}

function schemasPage(): GeneratedFile {
  const files = [
    ['manifest.json', 'every kind, chosen by `kind`; for files with several documents'],
    ...kinds.map((kind) => [`${fileName(kind)}.json`, `manifests of kind \`${kind.kind}\``]),
    ['config.json', 'the configuration file (`DaisConfig`)'],
  ];
  return {
    path: `${REFERENCE}/editors.md`,
    text: page('Editors', 'packages/api/src/kinds', [
      'An editor that supports JSON Schema (draft 7) checks and completes manifests while you type: Visual Studio Code with the YAML extension, JetBrains IDEs, Neovim and Emacs with `yaml-language-server`. Put one line at the top of a file, with the path or the URL of a schema:',
      fence('yaml', `# yaml-language-server: $schema=docs/reference/schemas/manifest.json\n${projectKind.example}`),
      'or configure a folder once in the settings of the editor:',
      fence('json', '{\n  "yaml.schemas": {\n    "docs/reference/schemas/manifest.json": ["deploy/**/*.yaml"]\n  }\n}'),
      table(
        ['File', 'For'],
        files.map(([name = '', use = '']) => [
          `<a href="./schemas/${name}" target="_self">${code(name)}</a>`.replaceAll('`', ''),
          use,
        ]),
      ),
      `They are in ${code('docs/reference/schemas/')} of the repository and below ${code('/docs/reference/schemas/')} of a running server that has the documentation. A schema covers single fields; \`dais plan\` also checks rules across fields and references to other resources.`,
    ]),
  };
}
