/** The part of a DaisConfig that is a value of the Helm chart. */
import { configSpec } from '@dais/api/config';
import { z } from 'zod';

/** Fields that the chart sets, by path below `spec`. */
const OF_CHART = new Set([
  'data',
  'role',
  'node',
  'host',
  'port',
  'ports',
  'allowHosts',
  'tls',
  'authentication.mode',
  'keys.folder',
  // Only for one owner on one machine.
  'tracking',
]);

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly const?: unknown;
  readonly default?: unknown;
  readonly [keyword: string]: unknown;
}

/** Returns the JSON Schema of `spec` without what the chart sets and without secret values, which belong in Secrets. */
export function configValuesSchema(): object {
  const schema = z.toJSONSchema(configSpec, { io: 'input', target: 'draft-7' }) as Schema;
  const { $schema: _dialect, ...rest } = valuesOf(schema, '');
  return {
    ...rest,
    description: '`spec` of the DaisConfig of all pods. The chart sets addresses, ports, roles and folders.',
  };
}

function valuesOf(schema: Schema, path: string): Schema {
  const { properties, required, oneOf, items, ...rest } = schema;
  if (oneOf !== undefined) return variantsOf(oneOf, rest, path);
  const kept = Object.entries(properties ?? {}).filter(
    ([name, field]) => field['x-secret'] !== true && !OF_CHART.has(join(path, name)),
  );
  const names = new Set(kept.map(([name]) => name));
  return {
    ...rest,
    ...(properties !== undefined && {
      properties: Object.fromEntries(kept.map(([name, field]) => [name, valuesOf(field, join(path, name))])),
    }),
    ...(required !== undefined && { required: required.filter((name) => names.has(name)) }),
    ...(items !== undefined && { items: valuesOf(items, path) }),
  };
}

/** One variant by its `type`: an error then names the field, and not that no variant matches. */
function variantsOf(variants: readonly Schema[], rest: Schema, path: string): Schema {
  const types = variants.map(({ properties }) => properties?.['type']?.const);
  return {
    ...rest,
    type: 'object',
    properties: { type: { enum: types } },
    required: ['type'],
    allOf: variants.map((variant, index) => ({
      if: { properties: { type: { const: types[index] } }, required: ['type'] },
      // oxlint-disable-next-line unicorn/no-thenable -- `then` is a keyword of JSON Schema; the object is never awaited
      then: valuesOf(variant, path),
    })),
  };
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
