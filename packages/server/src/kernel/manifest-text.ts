import { formatPath, MAX_APPLY_DOCUMENTS, MAX_DEPTH } from '@dais/api/config';
import { DaisError, type ErrorCode } from '@dais/api/errors';
import { readYamlDocuments, YamlError, type YamlDocument } from '#lib/formats/yaml-documents.ts';

/** One document of a file. */
export interface ManifestDocument extends YamlDocument {
  readonly file: string;
}

const CODES = {
  unreadable: 'unreadable_body',
  complex: 'manifest_too_complex',
  many: 'too_large',
} as const satisfies Record<YamlError['reason'], ErrorCode>;

/**
 * The documents of a manifest file: YAML or JSON.
 * @throws DaisError `unreadable_body`, `manifest_too_complex`, `too_large`: with all errors and their positions.
 */
export function readDocuments(file: string, text: string): ManifestDocument[] {
  try {
    const limits = { documents: MAX_APPLY_DOCUMENTS, depth: MAX_DEPTH, formatPath };
    return readYamlDocuments(text, limits).map((document) => ({ file, ...document }));
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    const issues = error.issues.map((issue) => ({ file, ...issue }));
    throw new DaisError(CODES[error.reason], `${file} ${error.message}.`, { issues });
  }
}
