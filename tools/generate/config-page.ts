import { API_VERSION, configFields, type ConfigField } from '@dais/api';
import { REFERENCE, type GeneratedFile } from './generated-file.ts';
import { code, fence, page, table, text } from './markdown.ts';

const EXAMPLE = `apiVersion: ${API_VERSION}
kind: DaisConfig
spec:
  data: /srv/dais
  port: 7070
  publicUrl: https://ml.example.com/dais
  trustedProxies: [127.0.0.1]
  blobs:
    type: s3
    bucket: ml-artifacts
    region: eu-central-1`;

export function configPage(): GeneratedFile {
  const all = configFields().flatMap((field) => [field, ...(field.items ?? [])]);
  const sections = [...new Set(all.map(sectionOf))];
  return {
    path: `${REFERENCE}/config.md`,
    text: page('Configuration', 'packages/api/src/config/spec.ts', [
      'Dais runs without any configuration. Settings come from a file (`dais up --config FILE`), variables or flags. A flag has priority over a variable, and a variable over the file. The file is a manifest:',
      fence('yaml', EXAMPLE),
      'Lists in variables are separated by commas; a list of maps is JSON. Values marked *secret* are never printed. `dais config view` shows the effective configuration.',
      ...sections.flatMap((section) => [
        `## ${section === '' ? 'The process' : section}`,
        fieldsOf(all.filter((field) => sectionOf(field) === section)),
      ]),
    ]),
  };
}

function sectionOf(field: ConfigField): string {
  const [head = '', ...rest] = field.path.split('.');
  return rest.length === 0 ? '' : head;
}

function fieldsOf(fields: readonly ConfigField[]): string {
  return table(
    ['Field of `spec`, variable', 'Type', 'Default', 'Meaning'],
    fields.map((field) => {
      const only =
        field.variant === undefined ? '' : `Only when \`${field.variant.path}\` is \`${field.variant.value}\`. `;
      const secret = field.secret ? ' *Secret.*' : '';
      return [
        field.variable === '' ? code(field.path) : `${code(field.path)}<br>${code(field.variable)}`,
        field.values === undefined ? TYPES[field.type] : field.values.map(code).join(', '),
        field.default === undefined || isEmpty(field.default)
          ? ''
          : code(typeof field.default === 'string' ? field.default : JSON.stringify(field.default)),
        `${only}${text(field.description)}${secret}`,
      ];
    }),
  );
}

const TYPES: Readonly<Record<ConfigField['type'], string>> = {
  text: 'text',
  path: 'path',
  integer: 'whole number',
  number: 'number',
  boolean: 'true or false',
  list: 'list',
  map: 'map',
  maps: 'list of maps',
};

function isEmpty(value: unknown): boolean {
  return value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
}
