/** For tests of every operation: requests about personal data and labels of the Dataset `target`. */
import type { Request } from './operation-recipes.ts';

/** Objects that access tests create in every project as the owner: version 1 of the Dataset, of labels. */
export const labelTargets: readonly (readonly [operation: string, request: Request])[] = [
  ['labelSet.create', { body: { name: 'target', dataset: 'target' } }],
  ['labelGuideline.create', { path: { set: 'target' }, body: { text: 'As you see it.' } }],
  ['label.import', { path: { set: 'target' }, body: { tasks: [labeledTask()] } }],
  ['labelTask.acceptAgreed', { path: { set: 'target' }, body: { atLeast: 1 } }],
];

function labeledTask() {
  const result = [{ from_name: 'kind', to_name: 'text', type: 'choices', value: { choices: ['spam'] } }];
  return {
    id: 1,
    data: { email: 'ada@example.com' },
    annotations: [{ id: 1, completed_by: 1, result, was_cancelled: false }],
  };
}

const dataset = { path: { name: 'target' } };
const version = { path: { name: 'target', version: '1' } };
const set = { path: { set: 'target' } };
/** Placeholders for ids in each project. */
const finding = { path: { name: 'target', finding: 'finding' } };
const annotation = { path: { set: 'target', annotation: 'annotation' } };

export const privacyRecipes: Readonly<Record<string, () => Request>> = {
  'datasetFinding.list': () => dataset,
  'datasetFinding.listAll': () => ({}),
  'datasetFinding.resolve': () => ({ ...finding, body: {} }),
  'datasetFinding.waive': () => ({ ...finding, body: { reason: 'tried' } }),
  'datasetFinding.reopen': () => ({ ...finding, body: {} }),
  'datasetScan.start': () => ({ ...version, body: {} }),
  'datasetScan.get': () => version,
  'datasetMask.list': () => dataset,
  'datasetMask.unmasked': () => dataset,
  'pseudonymKey.list': () => ({}),
  'pseudonymKey.rotate': () => ({ body: {} }),
  'pseudonymKey.destroy': () => ({ path: { key: 'k1' }, body: { reason: 'tried' } }),
  'labelSet.create': () => ({ body: { name: 'target', dataset: 'target' } }),
  'labelSet.list': () => ({}),
  'labelSet.get': () => set,
  'labelGuideline.create': () => ({ ...set, body: { text: 'tried' } }),
  'labelGuideline.list': () => set,
  'label.import': () => ({ ...set, body: { tasks: [labeledTask()] } }),
  'label.export': () => set,
  'labelTask.list': () => set,
  'labelAnnotation.versions': () => annotation,
  'labelAnnotation.review': () => ({ ...annotation, body: { decision: 'accepted' } }),
  'labelTask.adjudicate': () => ({ ...annotation, body: { reason: 'tried' } }),
  'labelTask.acceptAgreed': () => ({ ...set, body: {} }),
  'labelSet.agreement': () => set,
  'labelSet.publish': () => ({ ...set, body: {} }),
  'labelPublication.get': () => ({ path: { set: 'target', publication: 'publication' } }),
};
