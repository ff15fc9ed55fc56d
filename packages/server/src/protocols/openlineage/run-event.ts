/** A run of Dais as an event of OpenLineage 2-0-2. Pure. */
import { createHash } from 'node:crypto';
import type { LinkedNode, RunEvent } from '#ledgers/lineage/index.ts';

const SCHEMA = 'https://openlineage.io/spec/2-0-2/OpenLineage.json';
const FACETS = 'https://openlineage.io/spec/facets';
const PRODUCER = 'urn:dais:server';

const STATES = { started: 'START', finished: 'COMPLETE', failed: 'FAIL', killed: 'ABORT' } as const;

/** 32 hexadecimal digits are a UUID without dashes; another id is mapped to a derived UUID, always the same. */
function runIdOf(projectId: string, run: string): string {
  const digits = /^[0-9a-f]{32}$/.test(run)
    ? run
    : createHash('sha256').update(`${projectId}/${run}`).digest('hex').slice(0, 32);
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** @param jobs the namespace of jobs, before the project */
export function runEvent(of: RunEvent, jobs: string): object {
  const namespace = `${jobs}/${of.project}`;
  const job = (experiment: string) => ({ namespace, name: `experiment/${experiment}` });
  const parent = of.upstream.find(({ type, relation }) => type === 'run' && relation === 'child');
  const commit = of.upstream.find(({ type }) => type === 'commit');
  const entryPoint = of.upstream.find(({ type }) => type === 'entry-point');
  return {
    eventType: STATES[of.state],
    eventTime: of.at,
    producer: PRODUCER,
    schemaURL: `${SCHEMA}#/$defs/RunEvent`,
    run: {
      runId: runIdOf(of.projectId, of.run),
      facets: {
        dais_run: facet(`${SCHEMA}#/$defs/RunFacet`, {
          project: of.project,
          experiment: of.experiment,
          run: of.run,
          name: of.name,
          ...(entryPoint !== undefined && { entryPoint: entryPoint.name }),
          ...(commit !== undefined && { commit: commit.name }),
        }),
        ...(parent !== undefined && {
          parent: facet(`${FACETS}/1-2-0/ParentRunFacet.json#/$defs/ParentRunFacet`, {
            run: { runId: runIdOf(of.projectId, parent.id) },
            job: job(parent.data['experiment'] ?? of.experiment),
          }),
        }),
      },
    },
    job: {
      ...job(of.experiment),
      facets: {
        jobType: facet(`${FACETS}/2-0-4/JobTypeJobFacet.json#/$defs/JobTypeJobFacet`, {
          processingType: 'BATCH',
          integration: 'DAIS',
          jobType: 'TRAINING',
        }),
        ...codeFacet(commit),
      },
    },
    inputs: of.upstream.filter(isData).map((node) => dataset(node, namespace)),
    outputs: of.downstream.filter(isData).map((node) => dataset(node, namespace)),
  };
}

const facet = (schema: string, fields: object) => ({ _producer: PRODUCER, _schemaURL: schema, ...fields });

const isData = ({ type }: LinkedNode) => type === 'dataset' || type === 'logged-model';

/** The facet requires a URI, and `git@host:path` is none. */
function codeFacet(commit: LinkedNode | undefined): object {
  const url = commit?.data['repository'] ?? '';
  if (commit === undefined || !/^[a-z][a-z0-9+.-]*:\/\/\S+$/i.test(url)) return {};
  const schema = `${FACETS}/1-1-0/SourceCodeLocationJobFacet.json#/$defs/SourceCodeLocationJobFacet`;
  return { sourceCodeLocation: facet(schema, { type: 'git', url, version: commit.name }) };
}

/** OpenLineage has no models: a logged model is a dataset with its own type. */
function dataset(node: LinkedNode, namespace: string): object {
  const { type, id, name, data } = node;
  if (type === 'logged-model') {
    const kind = facet(`${FACETS}/1-0-1/DatasetTypeDatasetFacet.json#/$defs/DatasetTypeDatasetFacet`, {
      datasetType: 'MODEL',
    });
    return { namespace, name: `logged-model/${id}`, facets: { datasetType: kind } };
  }
  const version = data['digest'] ?? data['version'];
  return {
    namespace: data['namespace'] ?? data['sourceType'] ?? 'dataset',
    name,
    facets: {
      ...(version !== undefined && {
        version: facet(`${FACETS}/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet`, {
          datasetVersion: version,
        }),
      }),
    },
  };
}
