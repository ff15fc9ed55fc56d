/** Versions that Dais creates by conversion. */
import { eventTypes, type Actor } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';
import { runHome } from '#ledgers/tracking/index.ts';
import { recordConversion, recordVersion } from '../lineage.ts';
import { lockModel, readVersion } from '../model-rows.ts';
import { emitAbout, tagsForEvent } from '../tags.ts';
import { insertVersion, nextVersion } from './versions.ts';

interface Original {
  readonly name: string;
  readonly version: number;
}

/**
 * Returns the location for the files of a converted version: next to the original, in the artifacts of its run, or else
 * of its logged model. Below the artifact root.
 */
export async function convertedLocation(
  tx: Transaction,
  { name, version }: Original,
  { artifactRoot, id }: { readonly artifactRoot: string; readonly id: string },
): Promise<string> {
  const { artifactUri, runId } = await readVersion(tx.sql, tx.projectId, name, version);
  const below = (uri: string) => uri.slice(artifactRoot.length).replace(/^\/+|\/+$/g, '');
  const end = `onnx-${id.slice(-12)}`;
  const home = runId === undefined ? undefined : await runHome(tx, runId, { artifactRoot });
  const own = below(artifactUri);
  // Never below the original: all files below its location belong to it.
  if (home === undefined || !home.startsWith(artifactRoot) || own === below(home)) return `${own}.${end}`;
  return `${below(home)}/${name.replaceAll(/[^\w.-]/g, '_')}-${version}.${end}`;
}

interface Converted {
  readonly from: Original;
  /** The model of the new version. */
  readonly to: string;
  /** The result of `convertedLocation`. */
  readonly at: string;
  readonly artifactRoot: string;
  readonly now: number;
  readonly by: Actor;
}

/**
 * Registers the version with the tags and the run of the original; returns its number. @throws DaisError `not_found`.
 */
export async function registerConverted(
  tx: Transaction,
  { from, to, at, artifactRoot, now, by }: Converted,
): Promise<number> {
  const original = await readVersion(tx.sql, tx.projectId, from.name, from.version);
  const { version, ...model } = await nextVersion(tx, tx.projectId, to, now);
  const { runId, tags } = original;
  const artifactUri = `${artifactRoot}/${at}`;
  const description = `ONNX of ${from.name}/${from.version}.`;
  const row = { now, by, description, source: artifactUri, artifactUri, tags, runLink: original.runLink };
  await insertVersion(tx, model, version, { ...row, runId, loggedModelId: undefined });
  await recordVersion(
    tx,
    model,
    version,
    { source: artifactUri, runId, loggedModelId: undefined },
    { now, artifactRoot },
  );
  const { id } = from.name === to ? model : await lockModel(tx.sql, tx.projectId, from.name);
  await recordConversion(
    tx,
    [
      [id, from.version],
      [model.id, version],
    ],
    now,
  );
  const made = runId === undefined ? {} : { runId };
  emitAbout(tx, model, eventTypes.modelVersionCreated, {
    version,
    source: artifactUri,
    ...made,
    tags: tagsForEvent(tags),
  });
  return version;
}
