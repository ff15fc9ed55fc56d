/** Exports experiments of a project to a running server, by name. */
import type { Experiment } from '@dais/api/tracking';
import { fingerprint } from '#import/fingerprint.ts';
import {
  API,
  pairs,
  searched,
  tagsOf,
  text,
  type TargetExperiment,
  type ServerDependencies,
} from './server-dependencies.ts';

/** Its name can differ there. */
const DEFAULT_EXPERIMENT = '0';

interface There {
  readonly id: string;
  readonly artifactUri: string;
  readonly deleted: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

export async function sendExperiments(dependencies: ServerDependencies): Promise<TargetExperiment[]> {
  const { rest, source, tally, ids, failed } = dependencies;
  const there = new Map<string, There>();
  const body = { view_type: 'ALL', max_results: 1000 };
  for await (const json of searched(rest, `${API}/experiments/search`, body, 'experiments')) {
    const found = {
      id: text(json['experiment_id']),
      artifactUri: text(json['artifact_location']),
      deleted: json['lifecycle_stage'] === 'deleted',
      tags: tagsOf(json['tags']),
    };
    there.set(found.id === DEFAULT_EXPERIMENT ? '' : text(json['name']), found);
  }
  for await (const experiment of source.experiments()) {
    tally.found.experiments += 1;
    try {
      const known = there.get(experiment.id === DEFAULT_EXPERIMENT ? '' : experiment.name);
      const made = known ?? (await create(dependencies, experiment));
      const target = targetOf(dependencies, experiment, made);
      if (await setTags(dependencies, experiment, target, made.tags)) tally.written.experiments += 1;
      ids.experiments.set(experiment.id, target);
    } catch (error) {
      failed(`experiment "${experiment.name}"`, error);
    }
  }
  return [...ids.experiments.values()];
}

async function create({ rest, tally }: ServerDependencies, experiment: Experiment): Promise<There> {
  const made = await rest.post(`${API}/experiments/create`, { name: experiment.name, tags: pairs(experiment.tags) });
  const id = text(made['experiment_id']);
  const { experiment: reported } = await rest.get(`${API}/experiments/get`, { experiment_id: id });
  const artifactUri = text((reported as Readonly<Record<string, unknown>>)['artifact_location']);
  tally.written.experiments += 1;
  return { id, artifactUri, deleted: false, tags: experiment.tags };
}

function targetOf(
  { rest }: ServerDependencies,
  from: Experiment,
  { id, artifactUri, deleted }: There,
): WakingExperiment {
  let asleep = deleted;
  return {
    from,
    id,
    artifactUri,
    wake: async () => {
      if (asleep) await rest.post(`${API}/experiments/restore`, { experiment_id: id });
      asleep = false;
    },
    sleep: async () => {
      if (!asleep && from.lifecycle === 'deleted') await rest.post(`${API}/experiments/delete`, { experiment_id: id });
    },
  };
}

interface WakingExperiment extends TargetExperiment {
  sleep(): Promise<void>;
}

/** Experiments that are deleted here are deleted there last: a deleted experiment accepts no writes. */
export async function sleepAgain({ ids, failed }: ServerDependencies): Promise<void> {
  for (const target of ids.experiments.values()) {
    await (target as WakingExperiment).sleep().catch((error) => failed(`experiment "${target.from.name}"`, error));
  }
}

async function setTags(
  { rest }: ServerDependencies,
  { tags }: Experiment,
  target: TargetExperiment,
  there: Readonly<Record<string, string>>,
): Promise<boolean> {
  if (fingerprint({ ...there, ...tags }) === fingerprint(there)) return false;
  await target.wake();
  for (const { key, value } of pairs(tags)) {
    if (there[key] !== value) {
      await rest.post(`${API}/experiments/set-experiment-tag`, { experiment_id: target.id, key, value });
    }
  }
  return true;
}
