/** Of the tracking ledger: see operation-recipes.ts. */
import { randomUUID } from 'node:crypto';
import type { Request } from './operation-recipes.ts';

const ZERO = { id: '0' };
const TARGET = { id: 'target' };
/** Deleted: it accepts no writes, so a repeated deletion of a tag has a defined result. */
const GONE = { id: 'gone' };

/** Repeatable: it always has the same result, and restores the deleted tag. */
const TRACE = { ...TARGET, experimentId: '0', requestedAt: 1, durationMs: 1, state: 'OK', tags: { x: 'y' } };
const JUDGMENT = { name: 'right', kind: 'feedback', value: true, source: { type: 'CODE', id: 'test' } };
const OF_TRACE = { traceId: 'target', id: 'target' };

const SCORER = { experimentId: '0', name: 'target' };

const COUNTED = { experimentIds: ['0'], view: 'traces', metric: 'trace_count', aggregations: [{ type: 'count' }] };

const FILE = { path: 'target' };
const NOTHING = '01900000-0000-7000-8000-000000000000';

const ISSUE = { id: 'iss-target' };
const QUESTION = { type: 'FEEDBACK', input: { kind: 'text' } };
const DEFAULT_QUESTION = { id: 'ls-default-0' };
const QUEUE = { id: 'rq-target' };
const SOURCE = { source: 'http://elsewhere' };
const OF_IMPORT = { ...SOURCE, experimentId: '0', id: 'imported' };
const TIMES = { createdAt: 1, updatedAt: 1 };
const IMPORTED = { ...SOURCE, kind: 'model', sourceId: 'x', id: 'x', state: 'x' };
const POINT = { key: 'imported', steps: [1], timestamps: [1], values: [1] };

/** Objects that recipes use, in the order of their creation by the owner in every project. */
export const trackingTargets: readonly (readonly [operation: string, request: Request])[] = [
  ['run.create', { body: { experimentId: '0', ...TARGET } }],
  ['run.create', { body: { experimentId: '0', ...GONE } }],
  ['run.delete', { path: GONE }],
  ['loggedModel.create', { body: { experimentId: '0', ...TARGET } }],
  ['loggedModel.create', { body: { experimentId: '0', ...GONE } }],
  ['loggedModel.delete', { path: GONE }],
  ['artifact.write', { query: FILE }],
  ['trace.put', { body: TRACE }],
  ['evaluationDataset.create', { body: { name: 'target', ...TARGET } }],
  ['scorer.register', { body: { ...SCORER, definition: '{}' } }],
  ['reviewQueue.create', { body: { ...QUEUE, experimentId: '0', name: 'target' } }],
  ['reviewQueue.addItems', { path: QUEUE, body: { traceIds: ['target'] } }],
  ['labelSchema.create', { body: { id: 'ls-target', experimentId: '0', name: 'target', ...QUESTION } }],
  ['issue.create', { body: { ...ISSUE, experimentId: '0', name: 'target', description: 'target' } }],
  ['assessment.create', { path: { traceId: 'target' }, body: { ...TARGET, ...JUDGMENT } }],
];

export const trackingRecipes: Readonly<Record<string, () => Request>> = {
  'experiment.create': () => ({ body: { name: randomUUID() } }),
  'experiment.get': () => ({ path: ZERO }),
  'experiment.find': () => ({ path: { name: 'Default' } }),
  'experiment.search': () => ({ body: {} }),
  'experiment.activity': () => ({ body: { ids: ['0'] } }),
  'experiment.update': () => ({ path: ZERO, body: {} }),
  'experiment.delete': () => ({ path: ZERO }),
  'experiment.restore': () => ({ path: ZERO, body: {} }),
  'run.create': () => ({ body: { experimentId: '0', ...TARGET } }),
  'run.get': () => ({ path: TARGET }),
  'run.update': () => ({ path: TARGET, body: {} }),
  'run.delete': () => ({ path: TARGET }),
  'run.restore': () => ({ path: TARGET, body: {} }),
  'run.log': () => ({ path: TARGET, body: {} }),
  'run.addMessages': () => ({ path: TARGET, body: { messages: [] } }),
  'run.messages': () => ({ path: TARGET }),
  'run.removeTag': () => ({ path: GONE, body: { key: 'x' } }),
  'run.logInputs': () => ({ path: TARGET, body: {} }),
  'run.logOutputs': () => ({ path: TARGET, body: { models: [] } }),
  'run.count': () => ({ body: { experimentIds: ['0'] } }),
  'run.search': () => ({ body: { experimentIds: ['0'] } }),
  'metric.history': () => ({ path: { ...TARGET, key: 'loss' } }),
  'metric.sample': () => ({ body: { ids: [TARGET.id], key: 'loss' } }),
  'metric.chart': () => ({ body: { ids: [TARGET.id], key: 'loss' } }),
  'loggedModel.create': () => ({ body: { experimentId: '0', ...TARGET } }),
  'loggedModel.get': () => ({ path: TARGET, query: { allowDeleted: 'true' } }),
  'loggedModel.search': () => ({ body: { experimentIds: ['0'] } }),
  'loggedModel.finalize': () => ({ path: TARGET, body: { status: 'READY' } }),
  'loggedModel.setTags': () => ({ path: TARGET, body: { tags: [] } }),
  'loggedModel.removeTag': () => ({ path: GONE, body: { key: 'x' } }),
  'loggedModel.addParams': () => ({ path: TARGET, body: { params: [] } }),
  'loggedModel.delete': () => ({ path: TARGET }),
  'artifact.list': () => ({}),
  'artifact.read': () => ({ query: FILE }),
  'artifact.show': () => ({ query: FILE }),
  'artifact.link': () => ({ query: FILE }),
  'artifact.write': () => ({ query: FILE }),
  'artifactFile.list': () => ({ query: { home: 'file:///tried' } }),
  'artifactFile.read': () => ({ query: { home: 'file:///tried', path: 'target' } }),
  'artifact.fetch': () => ({ path: { id: NOTHING } }),
  'artifactUpload.begin': () => ({ body: { path: 'tried/file', parts: 1 } }),
  'artifactUpload.putPart': () => ({ path: { id: NOTHING, number: '1' } }),
  'artifactUpload.abort': () => ({ path: { id: NOTHING } }),
  'artifact.delete': () => ({ query: { path: 'not/there' } }),
  'span.log': () => ({ body: { experimentId: '0', resources: [] } }),
  'span.list': () => ({ path: TARGET }),
  'trace.put': () => ({ body: TRACE }),
  'trace.end': () => ({ path: TARGET, body: { endedAt: 2, state: 'OK' } }),
  'trace.get': () => ({ path: TARGET }),
  'trace.getMany': () => ({ body: { ids: [TARGET.id] } }),
  'trace.search': () => ({ body: { experimentIds: ['0'] } }),
  'trace.correlate': () => ({ body: { experimentIds: ['0'], filter1: '', filter2: '' } }),
  'trace.delete': () => ({ body: { experimentId: '0', ids: ['not-there'] } }),
  'trace.tag': () => ({ path: TARGET, body: { tags: {} } }),
  'trace.untag': () => ({ path: TARGET, body: { key: 'x' } }),
  'trace.linkRun': () => ({ path: { runId: 'target' }, body: { ids: [] } }),
  'trace.links': () => ({ body: { ids: [TARGET.id] } }),
  'trace.metrics': () => ({ body: COUNTED }),
  'trace.linkPrompts': () => ({ path: TARGET, body: { prompts: [] } }),
  'assessment.create': () => ({ path: { traceId: 'target' }, body: { ...TARGET, ...JUDGMENT } }),
  'assessment.get': () => ({ path: OF_TRACE }),
  'assessment.update': () => ({ path: OF_TRACE, body: {} }),
  'assessment.delete': () => ({ path: { traceId: 'target', id: 'not-there' } }),
  'evaluationDataset.create': () => ({ body: { name: 'target', ...TARGET } }),
  'evaluationDataset.get': () => ({ path: TARGET }),
  'evaluationDataset.search': () => ({ body: {} }),
  'evaluationDataset.delete': () => ({ path: { id: 'not-there' } }),
  'evaluationDataset.setTags': () => ({ path: TARGET, body: { tags: {} } }),
  'evaluationDataset.removeTag': () => ({ path: TARGET, body: { key: 'not there' } }),
  'evaluationDataset.link': () => ({ path: TARGET, body: {} }),
  'evaluationDataset.merge': () => ({ path: TARGET, body: { records: [] } }),
  'evaluationDataset.records': () => ({ path: TARGET }),
  'evaluationDataset.removeRecords': () => ({ path: TARGET, body: { recordIds: [] } }),
  'dataset.search': () => ({ body: { experimentIds: ['0'] } }),
  'scorer.register': () => ({ body: { ...SCORER, definition: '{}' } }),
  'scorer.search': () => ({ body: {} }),
  'scorer.versions': () => ({ path: SCORER }),
  'scorer.get': () => ({ path: SCORER }),
  'scorer.setOnlineScoring': () => ({ path: SCORER, body: { sampleRate: 0.5 } }),
  'scorer.searchOnlineScoring': () => ({ body: {} }),
  'scorer.delete': () => ({ path: { experimentId: '0', name: 'not there' } }),
  'issue.create': () => ({ body: { experimentId: '0', name: 'target', description: 'target' } }),
  'issue.get': () => ({ path: ISSUE }),
  'issue.update': () => ({ path: ISSUE, body: {} }),
  'issue.search': () => ({ body: {} }),
  'labelSchema.create': () => ({ body: { experimentId: '0', name: randomUUID(), ...QUESTION } }),
  'labelSchema.get': () => ({ path: DEFAULT_QUESTION }),
  'labelSchema.list': () => ({ query: { experimentId: '0' } }),
  'labelSchema.update': () => ({ path: { id: 'ls-target' }, body: {} }),
  'labelSchema.delete': () => ({ path: { id: 'ls-none' } }),
  'reviewQueue.create': () => ({ body: { experimentId: '0', name: randomUUID() } }),
  'reviewQueue.get': () => ({ path: QUEUE }),
  'reviewQueue.list': () => ({ query: { experimentId: '0' } }),
  'reviewQueue.update': () => ({ path: QUEUE, body: {} }),
  'reviewQueue.delete': () => ({ path: { id: 'rq-none' } }),
  'reviewQueue.addItems': () => ({ path: QUEUE, body: { traceIds: ['target'] } }),
  'reviewQueue.removeItems': () => ({ path: QUEUE, body: { traceIds: ['not-there'] } }),
  'reviewQueue.items': () => ({ path: QUEUE }),
  'reviewQueue.review': () => ({ path: { ...QUEUE, traceId: 'target' }, body: { status: 'pending' } }),
  'import.list': () => ({ query: { ...SOURCE, kind: 'run' } }),
  'import.note': () => ({ body: IMPORTED }),
  'import.experiment': () => ({ body: { ...SOURCE, sourceId: '7', name: 'imported', ...TIMES } }),
  'import.run': () => ({ body: { ...OF_IMPORT, status: 'FINISHED', startedAt: 1 } }),
  'import.metrics': () => ({ body: { runId: 'target', series: [POINT] } }),
  'import.loggedModel': () => ({ body: { ...OF_IMPORT, status: 'READY', ...TIMES } }),
  'import.trace': () => ({ body: { ...OF_IMPORT, requestedAt: 1, state: 'OK' } }),
  'import.spans': () => ({ body: { ...TARGET, spans: [] } }),
  'import.evaluationDataset': () => ({ body: { ...SOURCE, id: 'imported', name: 'imported', digest: '', ...TIMES } }),
  'import.evaluationRecords': () => ({ body: { ...TARGET, records: [] } }),
  'import.scorer': () => ({ body: { ...SOURCE, ...SCORER, id: 'target', version: 1, definition: '{}', createdAt: 1 } }),
  'garbage.collect': () => ({ body: {} }),
};
