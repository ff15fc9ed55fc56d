/** Resolves references to versions. */
import { DaisError } from '@dais/api';
import { parseDatasetReference, type DatasetReference, type DatasetVersion } from '@dais/api/data';
import type { Transaction } from '#kernel/transaction.ts';
import { requireDataset } from '../dataset-rows.ts';
import { findByNumber, findByTag, findReady } from './version-rows.ts';

/** Parses a reference. @throws DaisError `invalid_request`. */
function parseReference(text: string): DatasetReference {
  const parsed = parseDatasetReference(text);
  if (parsed !== undefined) return parsed;
  const expected = 'NAME@3, NAME@latest, NAME@2026-11-01 or NAME@TAG';
  throw new DaisError(
    'invalid_request',
    `${JSON.stringify(text)} is not a reference to a dataset version. Use ${expected}.`,
  );
}

/**
 * Finds a version. `latest` and times select ready versions. A number or tag selects a version in any state except
 * deleted; readers of its rows call `requireUsable`.
 * @throws DaisError `invalid_request`, `not_found`.
 */
export async function resolveVersion(tx: Transaction, reference: string | DatasetReference): Promise<DatasetVersion> {
  const { dataset, which } = typeof reference === 'string' ? parseReference(reference) : reference;
  const found = await find(tx, dataset, which);
  if (found !== undefined && found.state !== 'deleted') return found;
  await requireDataset(tx, dataset);
  throw new DaisError('not_found', `${missing(dataset, which)}${found === undefined ? '' : ': it was deleted'}.`);
}

async function find(
  tx: Transaction,
  dataset: string,
  which: DatasetReference['which'],
): Promise<DatasetVersion | undefined> {
  if (which.by === 'number') return await findByNumber(tx, dataset, which.number);
  if (which.by === 'tag') return await findByTag(tx, dataset, which.tag);
  return await findReady(tx, dataset, which.by === 'time' ? which.until : undefined);
}

function missing(dataset: string, which: DatasetReference['which']): string {
  if (which.by === 'number') return `Dataset ${dataset} has no version ${which.number}`;
  if (which.by === 'tag') return `Dataset ${dataset} has no version with the tag ${which.tag}`;
  return which.by === 'latest'
    ? `Dataset ${dataset} has no ready version`
    : `Dataset ${dataset} had no ready version at ${new Date(which.until).toISOString()}`;
}

/**
 * Requires a version that users can inspect: a quarantined one is readable by its number or tag, so that its owner
 * can find out why it failed. @throws DaisError `invalid_state` for a version without rows.
 */
export function requireInspectable(version: DatasetVersion): DatasetVersion {
  return version.state === 'quarantined' ? version : requireUsable(version);
}

/** Requires a ready version. @throws DaisError `invalid_state` */
export function requireUsable(version: DatasetVersion): DatasetVersion {
  if (version.state === 'ready') return version;
  const why = version.reason === undefined ? '' : `: ${version.reason}`;
  throw new DaisError('invalid_state', `${version.dataset}@${version.number} is ${version.state}${why}.`);
}
