/** Iceberg metadata for tests. */
import { parseMetadata } from './iceberg-table.ts';

export const TABLE = 's3://lake/t';
export const FIRST = '3475017391548144385';
export const SECOND = '3475017391548144386';
export const schema = (id: number, ...fields: readonly object[]) => ({ 'schema-id': id, type: 'struct', fields });
export const named = (id: number, name: string, more = {}) => ({ id, name, required: false, type: 'string', ...more });

/** Metadata of a table with two snapshots; ids are numbers beyond double precision. */
export function metadata(more: Readonly<Record<string, unknown>> = {}) {
  const text = JSON.stringify({
    'format-version': 2,
    location: 's3://lake/t',
    'current-snapshot-id': '@2',
    'current-schema-id': 0,
    schemas: [schema(0, named(1, 'id'))],
    snapshots: [
      { 'snapshot-id': '@1', 'schema-id': 0, 'manifest-list': 's3://lake/t/metadata/1.avro' },
      { 'snapshot-id': '@2', 'schema-id': 0, 'manifest-list': 's3://lake/t/metadata/2.avro' },
    ],
    ...more,
  });
  return parseMetadata(TABLE, Buffer.from(text.replaceAll('"@1"', FIRST).replaceAll('"@2"', SECOND)));
}
