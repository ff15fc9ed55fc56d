import type {
  Agreement,
  DatasetVersion,
  ImportedLabels,
  LabelPublication,
  LabelStudioTask,
  LabelTask,
} from '@dais/api/data';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorOf } from '#kernel/testing/test-project.ts';
import { startPrivacyWorld, type PrivacyProject, type PrivacyWorld } from '#ledgers/privacy/testing/privacy-world.ts';
import { exported } from './label-studio.testing.ts';

let world: PrivacyWorld;
beforeAll(async () => {
  world = await startPrivacyWorld();
});
afterAll(async () => await world.stop());

interface Items<Item> {
  readonly items: readonly Item[];
  readonly nextCursor?: string;
}

async function begun(sensitive: readonly object[] = []) {
  const project = await world.project();
  const dataset = await project.dataset(sensitive.length === 0 ? {} : { sensitive });
  await project.push(dataset, 'id,text\n1,good\n2,bad');
  const set = `${dataset}-labels`;
  await project.call('labelSet.create', { name: set, dataset: `${dataset}@1`, control: 'sentiment' });
  return { project, dataset, set };
}

const tasksOf = async (project: PrivacyProject, set: string, more = {}) =>
  (await project.call<Items<LabelTask>>('labelTask.list', { set, ...more })).items;
const bring = async (project: PrivacyProject, set: string, tasks: readonly LabelStudioTask[], more = {}) =>
  await project.call<ImportedLabels>('label.import', { set, tasks, ...more });

describe('import and export', () => {
  test('exports the imported annotations, field by field; a repeated import makes no change', async () => {
    const { project, set } = await begun();
    const tasks = exported();
    expect(await bring(project, set, tasks)).toEqual({ tasks: 4, annotations: 7, replaced: 0, unchanged: 0 });
    const out: LabelStudioTask[] = [];
    for (let cursor: string | undefined, more = true; more;) {
      const page: Items<LabelStudioTask> = await project.call('label.export', {
        set,
        limit: 3,
        ...(cursor !== undefined && { cursor }),
      });
      out.push(...page.items);
      cursor = page.nextCursor;
      more = cursor !== undefined;
    }
    expect(out).toEqual(tasks);
    expect(await bring(project, set, tasks)).toEqual({ tasks: 0, annotations: 0, replaced: 0, unchanged: 7 });
  });

  test('stores annotator, time and guideline; a change creates a version', async () => {
    const { project, set } = await begun();
    await project.call('labelGuideline.create', { set, text: 'Sarcasm is negative.' });
    const tasks = exported();
    const editor = await project.member('editor');
    const annotators = { '10': 'ada', 'grace@example.org': 'grace' };
    await project.call('label.import', { set, tasks, annotators }, editor);
    await project.call('labelGuideline.create', { set, text: 'Sarcasm is neutral.' });
    const changed = structuredClone(tasks.slice(0, 1));
    const annotation = changed[0]?.annotations?.[0] as Record<string, unknown>;
    annotation['result'] = [choice('sentiment', 'neutral')];
    expect(await bring(project, set, changed, { annotators })).toEqual({
      tasks: 0,
      annotations: 1,
      replaced: 1,
      unchanged: 1,
    });
    const [first] = await tasksOf(project, set);
    expect(first?.annotations).toMatchObject([
      { annotator: 'ada', guideline: 2, version: 2, label: ['neutral'], seconds: 4.288, labeledAt: 1_615_328_168_728 },
      { annotator: 'grace', guideline: 1, version: 1, label: ['positive'], importedBy: { id: editor.principal?.id } },
    ]);
    const id = first?.annotations[0]?.id;
    const { items } = await project.call<Items<object>>('labelAnnotation.versions', { set, annotation: id });
    expect(items).toMatchObject([
      { version: 2, guideline: 2, replaced: false },
      { version: 1, guideline: 1, replaced: true, label: ['positive'] },
    ]);
    expect(await tasksOf(project, set, { disagreed: 'true' })).toMatchObject([{ number: 1 }, { number: 2 }]);
  });

  test('rejects invalid input with the reason', async () => {
    const { project, set } = await begun();
    const deep = JSON.parse(`${'['.repeat(100)}${']'.repeat(100)}`) as unknown;
    for (const [tasks, message] of [
      [[{ id: 1, data: { deep } }], /not valid/],
      [
        [
          { id: 1, data: {} },
          { id: 1, data: {} },
        ],
        /Two tasks have the id 1/,
      ],
      [
        [
          {
            id: 1,
            data: {},
            annotations: [
              { id: 5, result: [] },
              { id: 5, result: [] },
            ],
          },
        ],
        /Two annotations of task 1/,
      ],
      [[{ id: 1 }], /not valid/],
      [[], /not valid/],
    ] as const) {
      const error = await errorOf(project.call('label.import', { set, tasks }));
      expect(error).toMatchObject({ code: 'invalid_request', message: expect.stringMatching(message) });
    }
    expect(await errorOf(bring(project, set, exported(), { guideline: 3 }))).toMatchObject({ code: 'invalid_request' });
    expect(await errorOf(bring(project, `${set}s`, exported()))).toMatchObject({ code: 'not_found' });
    expect(await tasksOf(project, set)).toEqual([]);
  });

  test('does not export masked fields without permission to unmask', async () => {
    const { project, set } = await begun([{ column: 'text', category: 'health' }]);
    await bring(project, set, exported());
    const viewer = await project.member('viewer');
    const seen = await project.call<Items<LabelStudioTask>>('label.export', { set }, viewer);
    expect(seen.items.map(({ data }) => data['text'])).toEqual([null, null, null, null]);
    expect(JSON.stringify(await project.call('labelTask.list', { set }, viewer))).not.toContain('I love');
    expect(JSON.stringify(await project.call('labelTask.list', { set }))).toContain('I love');
  });
});

describe('reviews', () => {
  test('rejects reviews of own annotations, and adjudication by annotators of the task', async () => {
    const { project, set } = await begun();
    const ada = await project.member('editor');
    const reviewer = await project.member('approver');
    const name = ada.principal?.id ?? '';
    await bring(project, set, exported(), { annotators: { '10': name } });
    const [first, second] = await tasksOf(project, set);
    const own = first?.annotations.find(({ annotator }) => annotator === name)?.id;
    const decision = { set, annotation: own, decision: 'accepted' };
    expect(await errorOf(project.call('labelAnnotation.review', decision, ada))).toMatchObject({ code: 'forbidden' });
    expect(await project.call('labelAnnotation.review', decision, reviewer)).toMatchObject({
      reviews: [{ decision: 'accepted', by: { id: reviewer.principal?.id } }],
    });
    // Its labels differ: after one is accepted, the other cannot be.
    const [one, other] = second?.annotations ?? [];
    const adjudicated = { set, annotation: one?.id, reason: 'required by the guideline' };
    expect(await errorOf(project.call('labelTask.adjudicate', adjudicated, ada))).toMatchObject({ code: 'forbidden' });
    expect(await project.call('labelTask.adjudicate', adjudicated, reviewer)).toMatchObject({ state: 'accepted' });
    const late = { set, annotation: other?.id, decision: 'accepted' };
    expect(await errorOf(project.call('labelAnnotation.review', late, reviewer))).toMatchObject({
      code: 'invalid_state',
    });
    const skipped = (await tasksOf(project, set, { state: 'open' }))[0]?.annotations[0]?.id;
    const canceled = { set, annotation: skipped, decision: 'rejected' };
    expect(await errorOf(project.call('labelAnnotation.review', canceled, reviewer))).toMatchObject({
      code: 'invalid_state',
    });
  });

  test('accepts unanimous tasks, and publishes them as a dataset version with lineage', async () => {
    const { project, dataset, set } = await begun([{ column: 'text', category: 'health' }]);
    await bring(project, set, exported());
    expect(await errorOf(project.call('labelSet.publish', { set }))).toMatchObject({ code: 'invalid_state' });
    expect(await project.call('labelTask.acceptAgreed', { set, atLeast: 2 })).toEqual({ accepted: 1, left: 2 });
    const started = await project.call<LabelPublication>('labelSet.publish', { set, message: 'first' });
    const read = async () =>
      await project.call<LabelPublication>('labelPublication.get', { set, publication: started.id });
    await expect.poll(async () => (await read()).state, { timeout: 60_000 }).not.toBe('pending');
    expect((await read()).error).toBeUndefined();
    expect(await read()).toMatchObject({ state: 'succeeded', dataset: set, version: 1, labels: 1 });
    const version = await project.call<DatasetVersion>('datasetVersion.get', { name: set, version: '1' });
    const source = await project.call<DatasetVersion>('datasetVersion.get', { name: dataset, version: '1' });
    expect(version).toMatchObject({
      rows: 1,
      message: 'first',
      label: 'label',
      source: { type: 'labels', versions: [source.id] },
    });
    const rows = await project.call<{ columns: { name: string }[]; rows: unknown[][] }>('datasetVersion.head', {
      name: set,
      version: '1',
      limit: 10,
    });
    const row = Object.fromEntries(rows.columns.map(({ name }, at) => [name, rows.rows[0]?.[at]]));
    expect(row).toMatchObject({ text: 'I love it', label: 'positive', label_agreeing: 2, label_guideline: 0 });
    // Sensitive columns remain sensitive.
    const masked = await project.call<{ rows: unknown[][]; columns: { name: string }[] }>(
      'datasetVersion.head',
      { name: set, version: '1', limit: 10 },
      await project.member('viewer'),
    );
    expect(masked.rows[0]?.[masked.columns.findIndex(({ name }) => name === 'text')]).toBeNull();
  });
});

test('agreement overall, by label and by pair', async () => {
  const { project, set } = await begun();
  await bring(project, set, exported());
  const agreement = await project.call<Agreement>('labelSet.agreement', { set });
  expect(agreement).toMatchObject({ level: 'nominal', units: 2, annotators: 2, agreed: 0.5 });
  expect(agreement.byPair).toMatchObject([{ annotators: ['10', 'grace@example.org'], units: 2 }]);
  expect(agreement.byLabel.map(({ label, count }) => `${label} ${count}`)).toEqual(['positive 3', 'negative 1']);
});

function choice(control: string, value: string) {
  return { from_name: control, to_name: 'text', type: 'choices', value: { choices: [value] } };
}
