/** Test data: an export in the format of Label Studio with its kinds of results. */
import type { LabelStudioTask } from '@dais/api/data';

const sentiment = (value: string, id: string) => ({
  id,
  from_name: 'sentiment',
  to_name: 'text',
  type: 'choices',
  origin: 'manual',
  value: { choices: [value] },
});

const times = { created_at: '2021-03-09T22:16:08.728353Z', updated_at: '2021-03-09T22:16:08.728378Z' };

const annotation = (id: number, by: unknown, result: readonly Record<string, unknown>[], more: object = {}) => ({
  id,
  completed_by: by,
  result: [...result],
  was_cancelled: false,
  ground_truth: false,
  ...times,
  draft_created_at: null,
  lead_time: 4.288,
  prediction: {},
  result_count: result.length,
  unique_id: `3b1f4a52-0000-4000-8000-${String(id).padStart(12, '0')}`,
  import_id: null,
  last_action: null,
  task: id % 100,
  project: 83,
  updated_by: 1,
  parent_prediction: null,
  parent_annotation: null,
  last_created_by: null,
  ...more,
});

const grace = { id: 11, email: 'grace@example.org', first_name: 'Grace', last_name: '' };

/** Four tasks: unanimous, not unanimous, with regions and spans, skipped. */
export function exported(): readonly LabelStudioTask[] {
  const common = {
    ...times,
    meta: {},
    inner_id: 1,
    total_annotations: 2,
    cancelled_annotations: 0,
    project: 83,
    comment_authors: [],
  };
  return [
    {
      id: 1,
      data: { id: 1, text: 'I love it' },
      ...common,
      annotations: [
        annotation(1001, 10, [sentiment('positive', 'a')]),
        annotation(1002, grace, [sentiment('positive', 'b')]),
      ],
      predictions: [
        {
          id: 5,
          model_version: 'model 1',
          created_ago: '3 hours',
          score: 0.910_458_911_419_423_7,
          result: [sentiment('positive', 'p')],
        },
      ],
    },
    {
      id: 2,
      data: { id: 2, text: 'Well, great.' },
      ...common,
      annotations: [
        annotation(1003, 10, [sentiment('positive', 'a')]),
        annotation(1004, grace, [sentiment('negative', 'b')], { lead_time: null }),
      ],
      predictions: [],
    },
    {
      id: 3,
      data: {
        id: 3,
        text: 'Neil Armstrong walked on the Moon',
        image: 's3://bucket/1.jpg',
        nested: { deep: [1, 2.5, null] },
      },
      ...common,
      annotations: [
        annotation(1005, 10, [
          {
            id: 'Dx_aB91ISN',
            from_name: 'tag',
            to_name: 'img',
            source: '$image',
            type: 'rectanglelabels',
            original_width: 600,
            original_height: 403,
            image_rotation: 0,
            value: {
              x: 50.8,
              y: 5.869_797_225_186_766,
              width: 12.4,
              height: 10.458_911_419_423_693,
              rotation: 0,
              rectanglelabels: ['Moonwalker'],
            },
          },
          {
            id: 'span1',
            from_name: 'ner',
            to_name: 'text',
            type: 'labels',
            value: { start: 0, end: 14, text: 'Neil Armstrong', labels: ['PER'] },
          },
          { id: 'note', from_name: 'note', to_name: 'text', type: 'textarea', value: { text: ['ä “quoted” \\ text'] } },
        ]),
        annotation(1006, grace, [sentiment('positive', 'x')], { ground_truth: true }),
      ],
      predictions: [],
    },
    {
      id: 4,
      data: { id: 4, text: '???' },
      ...common,
      annotations: [annotation(1007, 10, [], { was_cancelled: true })],
      predictions: [],
    },
  ];
}
