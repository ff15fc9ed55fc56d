/** One PostgreSQL schema a slice: no slice's SQL names another's, and doors and the gateway have no SQL at all. */
import { kernelViews } from '../arrows.ts';
import type { Breach } from './breach.ts';
import type { SourceFile } from './source-file.ts';
import { isTest, locationOf } from './zones.ts';

/** SQL here is written in lower or upper case; an English sentence that starts with "Select" is neither. */
const STATEMENT =
  /^\s*(?:--[^\n]*\n\s*)*(?:(?:select|SELECT)\s[\s\S]*\b(?:from|FROM)\s|(?:insert\s+into|INSERT\s+INTO|delete\s+from|DELETE\s+FROM)\s|(?:update|UPDATE)\s+[\w."]+(?:\s+\w+)?\s+(?:set|SET)\s|(?:with|WITH)\s+(?:recursive\s+)?\w+\s*(?:\([^)]*\)\s*)?(?:as|AS)\s|(?:create|alter|drop|CREATE|ALTER|DROP)\s+(?:or\s+replace\s+|unique\s+)?(?:table|index|schema|view|role|function|policy|TABLE|INDEX|SCHEMA|VIEW)\s)/;

const REFERENCE =
  /\b(?:from|join|into|update|table|exists|references|on|truncate|only|view|function|sequence|using|lock)\s+"?([a-z_][a-z0-9_]*)"?\s*\.\s*"?([a-z_][a-z0-9_]*)/gi;

export function checkSql(files: ReadonlyMap<string, SourceFile>): Breach[] {
  const program = [...files.values()].filter((file) => !isTest(file.path));
  const schemas = new Set(program.map((file) => schemaOf(file.path)).filter((schema) => schema !== undefined));
  return program.flatMap((file) => {
    const zone = locationOf(file.path)?.arrow.zone ?? '';
    if (zone.startsWith('protocols/') || zone === 'gateway') return refuseSql(file);
    const own = schemaOf(file.path);
    if (own === undefined) return [];
    return [...foreignSchemas(file, own, schemas), ...misnamedSlices(file, own)];
  });
}

/** The schema of a slice is its folder's name. */
function schemaOf(path: string): string | undefined {
  const location = locationOf(path);
  if (!location) return undefined;
  if (location.arrow.zone === 'kernel' || location.arrow.zone === 'policy') return location.arrow.zone;
  return location.arrow.acyclic ? Object.values(location.bindings)[0]?.replaceAll('-', '_') : undefined;
}

function refuseSql(file: SourceFile): Breach[] {
  return file.texts
    .filter((text) => STATEMENT.test(text.value))
    .map((text) => ({
      rule: 'sql',
      at: `${file.path}:${text.line}`,
      why: 'a door and the gateway have no SQL: call the ledger that owns the rows',
    }));
}

function foreignSchemas(file: SourceFile, own: string, schemas: ReadonlySet<string>): Breach[] {
  return file.texts.flatMap((text) =>
    [...text.value.matchAll(REFERENCE)]
      .map(([, schema = '', table = '']) => ({ schema: schema.toLowerCase(), table: table.toLowerCase() }))
      .filter(({ schema, table }) => {
        if (schema === own || !schemas.has(schema)) return false;
        return !(schema === 'kernel' && kernelViews.includes(table));
      })
      .map(({ schema, table }) => ({
        rule: 'sql',
        at: `${file.path}:${text.line}`,
        why: `names ${schema}.${table}, but the slice owns only the schema "${own}"`,
      })),
  );
}

function misnamedSlices(file: SourceFile, own: string): Breach[] {
  return file.slices
    .filter((schema) => schema.value !== own)
    .map((schema) => ({
      rule: 'sql',
      at: `${file.path}:${schema.line}`,
      why: `the schema of this slice is "${own}", like its folder, not "${schema.value}"`,
    }));
}
