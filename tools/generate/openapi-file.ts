import type { Operation } from '@dais/api';
import { openApiDocument } from '../../packages/server/src/http/openapi/openapi.ts';
import { REFERENCE, type GeneratedFile } from './generated-file.ts';

/** The document that `/api/openapi.json` answers, for a server without a public URL. The version is the one of all packages. */
export function openApiFile(operations: readonly Operation[], version: string): GeneratedFile {
  const document = openApiDocument(operations, version, { origin: undefined, host: undefined, basePath: '' });
  return { path: `${REFERENCE}/openapi.json`, text: `${JSON.stringify(document, undefined, 2)}\n` };
}
