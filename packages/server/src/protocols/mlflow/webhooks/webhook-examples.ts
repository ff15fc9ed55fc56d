/** What tests of webhooks send: MLflow's own examples, one for each event but that of its budgets. */
const model = { name: 'example_model' };
const modelVersion = { ...model, version: '1' };
const prompt = { name: 'example_prompt' };
const promptVersion = { ...prompt, version: '1' };
const tags = { tags: { example_key: 'example_value' } };
const key = { key: 'example_key' };
const tag = { ...key, value: 'example_value' };
const alias = { alias: 'example_alias' };

export const EXAMPLES = {
  'registered_model.created': { ...model, ...tags, description: 'An example registered model' },
  'model_version.created': {
    ...modelVersion,
    source: 'models:/123',
    run_id: 'abcd1234abcd5678',
    ...tags,
    description: 'An example model version',
  },
  'model_version_tag.set': { ...modelVersion, ...tag },
  'model_version_tag.deleted': { ...modelVersion, ...key },
  'model_version_alias.created': { ...model, ...alias, version: '1' },
  'model_version_alias.deleted': { ...model, ...alias },
  'prompt.created': { ...prompt, ...tags, description: 'An example prompt' },
  'prompt_version.created': {
    ...promptVersion,
    template: 'Hello {{name}}!',
    ...tags,
    description: 'An example prompt version',
  },
  'prompt_tag.set': { ...prompt, ...tag },
  'prompt_tag.deleted': { ...prompt, ...key },
  'prompt_version_tag.set': { ...promptVersion, ...tag },
  'prompt_version_tag.deleted': { ...promptVersion, ...key },
  'prompt_alias.created': { ...prompt, ...alias, version: '1' },
  'prompt_alias.deleted': { ...prompt, ...alias },
} as const;

export type WebhookEventName = keyof typeof EXAMPLES;
