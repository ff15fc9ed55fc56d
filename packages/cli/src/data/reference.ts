/** `flights@3` on a command line. */
import { DaisError } from '@dais/api';
import { parseDatasetReference } from '@dais/api/data';

/** @throws DaisError `invalid_request`. */
export function readReference(text: string): { readonly name: string; readonly version: string } {
  if (parseDatasetReference(text) === undefined) {
    const expected = 'NAME, NAME@3, NAME@2026-11-01 or NAME@TAG';
    throw new DaisError('invalid_request', `"${text}" is not a dataset version. Use ${expected}.`);
  }
  const at = text.indexOf('@');
  return at < 0 ? { name: text, version: 'latest' } : { name: text.slice(0, at), version: text.slice(at + 1) };
}

/** The same with a required version, for changes of a version. */
export function readVersionReference(text: string): { readonly name: string; readonly version: string } {
  const reference = readReference(text);
  if (text.includes('@')) return reference;
  throw new DaisError('invalid_request', `Give a version: ${text}@3 or ${text}@latest.`);
}
