/** The filterable fields of each kind of searchable record. */
import { filterValues, type FilterEntity, type FilterFamily, type FilterKey } from '#filter/filter-entity.ts';

const { number, wholeNumber, looseNumber, text, listedText, optionalText, looseText, identity } = filterValues;

const tagWords = ['tags', 'tag'];
const attributeWords = ['attributes', 'attribute'];

const attributes = (keys: readonly FilterKey[], words = attributeWords): FilterFamily => ({
  name: 'attribute',
  words,
  keys,
  ordered: true,
});

export const runFilter: FilterEntity = {
  name: 'runs',
  bare: 'attribute',
  families: [
    { name: 'metric', words: ['metrics', 'metric'], value: number, ordered: true },
    { name: 'parameter', words: ['params', 'param', 'parameters', 'parameter'], value: optionalText, ordered: true },
    { name: 'tag', words: tagWords, value: optionalText, ordered: true },
    attributes(
      [
        { name: 'run_id', value: listedText },
        { name: 'run_name', aliases: ['run name', 'Run name', 'Run Name'], value: text },
        { name: 'status', value: text },
        { name: 'start_time', aliases: ['created', 'Created'], value: number },
        { name: 'end_time', value: number },
        { name: 'user_id', value: text },
        { name: 'artifact_uri', value: text },
      ],
      [...attributeWords, 'attr', 'run'],
    ),
    {
      name: 'dataset',
      words: ['datasets', 'dataset'],
      keys: [
        { name: 'name', value: listedText },
        { name: 'digest', value: listedText },
        { name: 'context', value: listedText },
      ],
      // A run can read several.
      ordered: false,
    },
  ],
};

export const experimentFilter: FilterEntity = {
  name: 'experiments',
  bare: 'attribute',
  families: [
    attributes([
      { name: 'name', value: text },
      { name: 'experiment_id', value: identity },
      { name: 'creation_time', value: wholeNumber },
      { name: 'last_update_time', value: wholeNumber },
    ]),
    { name: 'tag', words: tagWords, value: optionalText, ordered: false },
  ],
};

export const loggedModelFilter: FilterEntity = {
  name: 'logged models',
  bare: 'attribute',
  families: [
    { name: 'metric', words: ['metrics', 'metric'], value: number, ordered: true },
    { name: 'parameter', words: ['params', 'param'], value: looseText, ordered: false },
    { name: 'tag', words: tagWords, value: looseText, ordered: false },
    attributes([
      { name: 'name', value: listedText },
      { name: 'model_id', value: listedText },
      { name: 'model_type', value: listedText },
      { name: 'status', value: identity },
      { name: 'source_run_id', value: listedText },
      {
        name: 'creation_timestamp',
        aliases: ['creation_time', 'creation_timestamp_ms'],
        value: number,
      },
      {
        name: 'last_updated_timestamp',
        aliases: ['last_updated_time', 'last_update_time', 'last_updated_timestamp_ms'],
        value: number,
      },
    ]),
  ],
};

export const registeredModelFilter: FilterEntity = {
  name: 'registered models',
  bare: 'attribute',
  families: [
    attributes([
      { name: 'name', value: listedText },
      { name: 'creation_timestamp', value: wholeNumber },
      { name: 'last_updated_timestamp', aliases: ['timestamp'], value: wholeNumber },
    ]),
    { name: 'tag', words: tagWords, value: text, ordered: false },
  ],
};

export const modelVersionFilter: FilterEntity = {
  name: 'model versions',
  bare: 'attribute',
  families: [
    attributes([
      { name: 'name', value: listedText },
      { name: 'version_number', value: looseNumber },
      { name: 'run_id', value: listedText },
      { name: 'source_path', value: text },
      { name: 'creation_timestamp', value: wholeNumber },
      { name: 'last_updated_timestamp', value: wholeNumber },
    ]),
    { name: 'tag', words: tagWords, value: text, ordered: false },
  ],
};

export const evaluationDatasetFilter: FilterEntity = {
  name: 'evaluation datasets',
  bare: 'attribute',
  families: [
    attributes([
      { name: 'name', value: listedText },
      { name: 'created_time', value: wholeNumber },
      { name: 'last_update_time', value: wholeNumber },
      { name: 'created_by', value: text },
      { name: 'last_updated_by', value: text },
    ]),
    { name: 'tag', words: tagWords, value: text, ordered: false },
  ],
};

export const issueFilter: FilterEntity = {
  name: 'issues',
  bare: 'attribute',
  families: [
    attributes([
      { name: 'status', value: identity },
      { name: 'source_run_id', value: identity },
      { name: 'name', value: identity },
      { name: 'severity', value: identity },
      { name: 'created_timestamp', value: wholeNumber },
      { name: 'last_updated_timestamp', value: wholeNumber },
      { name: 'last_seen_timestamp', value: wholeNumber },
    ]),
  ],
};
