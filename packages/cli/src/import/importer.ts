/** One round of an import: all changes at the source since the previous round, with limited concurrency. */
import { DaisError, type DaisClient } from '@dais/api';
import { importExperimentOperation, importLoggedModelOperation, readExperimentOperation } from '@dais/api/tracking';
import { barText } from '#output/progress-bar.ts';
import { copyArtifacts } from './copy-artifacts.ts';
import { DaisTarget, type Known } from './dais-target.ts';
import { eachOf } from './each-of.ts';
import { fingerprint } from './fingerprint.ts';
import { importDatasets, importScorers } from './import-evaluation.ts';
import { importRegistry } from './import-registry.ts';
import { importRun } from './import-run.ts';
import { importTrace, isHere } from './import-trace.ts';
import type { SourceExperiment, SourceLoggedModel, SourceRun, SourceTrace, TrackingSource } from './source.ts';
import { Tally } from './tally.ts';

/** Parallel runs: files of one are transferred while another one is written. */
const AT_ONCE = 4;
/** The default experiment, at the source and in every project of Dais. */
const DEFAULT_EXPERIMENT = '0';

export interface ImportDependencies {
  readonly source: TrackingSource;
  readonly client: DaisClient;
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly progress: (text: string) => void;
  readonly withArtifacts: boolean;
  readonly dryRun: boolean;
  /** Includes objects that are unchanged since their import. */
  readonly all: boolean;
}

/** Artifact locations of an experiment, at the source and in Dais. */
interface TargetExperiment {
  readonly id: string;
  readonly from: string;
  readonly to: string;
}

export class Importer {
  readonly #dependencies: ImportDependencies;
  readonly #target: DaisTarget;
  readonly #tally = new Tally();
  readonly #startedAt: number;
  #bytes = 0;
  #done = 0;
  #total = 0;

  constructor(dependencies: ImportDependencies) {
    this.#dependencies = dependencies;
    this.#target = new DaisTarget(dependencies.client, dependencies.source.name, dependencies.signal);
    this.#startedAt = dependencies.now();
  }

  /** @throws DaisError when the source or the server cannot be reached; the tally reports single failures. */
  async round(): Promise<Tally> {
    const { source } = this.#dependencies;
    const [runs, models] = await Promise.all([this.#target.known('run'), this.#target.known('logged-model')]);
    const [traces, scorers] = await Promise.all([this.#target.known('trace'), this.#target.known('scorer')]);
    const experiments: SourceExperiment[] = [];
    for await (const experiment of source.experiments()) experiments.push(experiment);
    await this.#count(experiments, runs);
    const targets = await this.#importExperiments(experiments);
    const failed = (what: string, error: unknown) => this.#failed(what, error);
    const shared = { ...this.#dependencies, target: this.#target, tally: this.#tally, failed };
    for (const experiment of experiments) {
      const target = targets.get(experiment.id);
      if (target === undefined && !this.#dependencies.dryRun) continue;
      await this.#importRuns(experiment, target, runs);
      await this.#importLoggedModels(experiment, target, models);
      await this.#importTraces(experiment, target, traces);
      await importScorers(shared, experiment, target, scorers);
    }
    await importRegistry({ ...shared, rewrite: (uri) => rewritten(uri, [...targets.values()]) });
    await importDatasets(shared, targets);
    const report = source.report?.();
    this.#tally.problems.push(...(report?.problems ?? []));
    this.#tally.notes.push(...(report?.notes ?? []));
    return this.#tally;
  }

  /** Number of runs to import, for a progress bar with an end. */
  async #count(experiments: readonly SourceExperiment[], known: Known): Promise<void> {
    let found = 0;
    for (const { id } of experiments) {
      for await (const run of this.#dependencies.source.runs(id)) {
        found += 1;
        if (this.#isDue(known, run.id, stateOf(run))) this.#total += 1;
        if (found % 100 === 0) this.#dependencies.progress(`looking for changes: ${found} runs seen`);
      }
    }
    this.#tally.found.runs = found;
  }

  #isDue(known: Known, id: string, state: string): boolean {
    return this.#dependencies.all || known.get(id)?.state !== state;
  }

  async #importExperiments(experiments: readonly SourceExperiment[]): Promise<Map<string, TargetExperiment>> {
    const known = await this.#target.known('experiment');
    const targets = new Map<string, TargetExperiment>();
    for (const experiment of experiments) {
      this.#tally.found.experiments += 1;
      try {
        const target = await this.#importExperiment(experiment, known);
        if (target !== undefined) targets.set(experiment.id, { ...target, from: experiment.artifactUri });
      } catch (error) {
        this.#failed(`experiment "${experiment.name}"`, error);
      }
    }
    return targets;
  }

  async #importExperiment(experiment: SourceExperiment, known: Known) {
    const { client, settings, source } = this.#target;
    const state = fingerprint({ ...experiment, updatedAt: 0 });
    const before = known.get(experiment.id);
    if (!this.#isDue(known, experiment.id, state)) {
      const here = await client.perform(readExperimentOperation, { id: before!.id }, settings).catch(absent);
      if (here !== undefined) return { id: here.id, to: here.artifactUri };
    }
    this.#tally.written.experiments += 1;
    if (this.#dependencies.dryRun) return undefined;
    const { id: sourceId, artifactUri: _there, ...record } = experiment;
    const input = { ...record, source, sourceId, isDefault: sourceId === DEFAULT_EXPERIMENT };
    const { id, artifactUri } = await client.perform(importExperimentOperation, input, settings);
    await this.#target.note('experiment', sourceId, id, state);
    return { id, to: artifactUri };
  }

  async #importRuns(experiment: SourceExperiment, target: TargetExperiment | undefined, known: Known): Promise<void> {
    const { source, withArtifacts, all, dryRun } = this.#dependencies;
    const due = async function* (this: Importer) {
      for await (const run of source.runs(experiment.id)) {
        const state = stateOf(run);
        if (this.#isDue(known, run.id, state)) yield { run, state };
      }
    }.bind(this);
    await eachOf(due(), AT_ONCE, async ({ run, state }: { run: SourceRun; state: string }) => {
      this.#dependencies.signal.throwIfAborted();
      if (dryRun || target === undefined) {
        this.#tally.written.runs += 1;
        return;
      }
      const options = { experimentId: target.id, withArtifacts, fresh: !known.has(run.id), all };
      try {
        await importRun(this.#artifactDependencies(), run, options);
        await this.#target.note('run', run.id, run.id, state);
        this.#tally.written.runs += 1;
      } catch (error) {
        this.#failed(`run ${run.id} of experiment "${experiment.name}"`, error);
      }
      this.#done += 1;
      this.#reportProgress();
    });
  }

  async #importLoggedModels(
    experiment: SourceExperiment,
    target: TargetExperiment | undefined,
    known: Known,
  ): Promise<void> {
    for await (const model of this.#dependencies.source.loggedModels(experiment.id)) {
      this.#tally.found.loggedModels += 1;
      const state = fingerprint({ ...model, updatedAt: 0 });
      if (!this.#isDue(known, model.id, state)) continue;
      this.#dependencies.signal.throwIfAborted();
      try {
        if (!this.#dependencies.dryRun && target !== undefined) {
          await this.#importLoggedModel(model, target, !known.has(model.id));
          await this.#target.note('logged-model', model.id, model.id, state);
        }
        this.#tally.written.loggedModels += 1;
      } catch (error) {
        this.#failed(`logged model ${model.id}`, error);
      }
    }
  }

  async #importLoggedModel(model: SourceLoggedModel, target: TargetExperiment, fresh: boolean): Promise<void> {
    const { withArtifacts, all } = this.#dependencies;
    const { artifactUri: from, ...record } = model;
    const input = { ...record, source: this.#target.source, experimentId: target.id };
    const { artifactUri } = await this.#target.client.perform(importLoggedModelOperation, input, this.#target.settings);
    const owner = { type: 'model', id: model.id, artifactUri: from } as const;
    if (withArtifacts) await copyArtifacts(this.#artifactDependencies(), owner, artifactUri, { fresh, all });
  }

  async #importTraces(experiment: SourceExperiment, target: TargetExperiment | undefined, known: Known): Promise<void> {
    const { source, withArtifacts, all, dryRun, signal, progress } = this.#dependencies;
    const { found, written } = this.#tally;
    await eachOf(source.traces(experiment), AT_ONCE, async (trace: SourceTrace) => {
      signal.throwIfAborted();
      found.traces += 1;
      try {
        // Spans of a trace in progress arrive without a change of the trace itself.
        const early = trace.state === 'IN_PROGRESS' ? await source.spans(trace) : undefined;
        const state = fingerprint({ ...trace, early: early ?? [] });
        if (!this.#isDue(known, trace.id, state)) return;
        if (!dryRun && target !== undefined) {
          const fresh = !known.has(trace.id);
          const spans = early ?? (await source.spans(trace));
          const same = fresh && !all && (await isHere(this.#artifactDependencies(), trace, spans, target.id));
          const options = { experimentId: target.id, withArtifacts, fresh, all };
          if (!same) await importTrace(this.#artifactDependencies(), trace, spans, options);
          await this.#target.note('trace', trace.id, trace.id, state);
          if (same) return;
        }
        written.traces += 1;
      } catch (error) {
        this.#failed(`trace ${trace.id} of experiment "${experiment.name}"`, error);
      }
      progress(`traces: ${found.traces} seen, ${written.traces} imported`);
    });
  }

  #artifactDependencies() {
    const onBytes = (count: number) => {
      this.#bytes += count;
      this.#reportProgress();
    };
    return { source: this.#dependencies.source, target: this.#target, tally: this.#tally, onBytes };
  }

  #reportProgress(): void {
    const elapsedMs = this.#dependencies.now() - this.#startedAt;
    const amounts = { done: this.#done, total: this.#total, bytes: this.#bytes, elapsedMs };
    this.#dependencies.progress(barText({ what: 'runs', ...amounts }));
  }

  /** A single failure does not prevent the import of others; an error that affects all of them does. */
  #failed(what: string, error: unknown): void {
    this.#dependencies.signal.throwIfAborted();
    const fatal = new Set(['unauthenticated', 'forbidden', 'server_unreachable', 'quota_exceeded', 'storage_full']);
    if (error instanceof DaisError && fatal.has(error.code)) throw error;
    this.#tally.problems.push({ what, why: error instanceof Error ? error.message : String(error) });
  }
}

const stateOf = (run: SourceRun): string => fingerprint(run);

function absent(error: unknown): undefined {
  if (error instanceof DaisError && error.code === 'not_found') return undefined;
  throw error;
}

/** Maps a location at the source to the same relative location in Dais. */
function rewritten(uri: string, targets: readonly TargetExperiment[]): string {
  const found = targets.find(({ from }) => uri.startsWith(`${from}/`));
  return found === undefined ? uri : `${found.to}${uri.slice(found.from.length)}`;
}
