import {
  createLabelSchemaOperation,
  deleteLabelSchemaOperation,
  listLabelSchemasOperation,
  readLabelSchemaOperation,
  updateLabelSchemaOperation,
  type LabelInput,
  type LabelSchema,
} from '@dais/api/tracking';
import { route, type Refusals, type Route } from '../route.ts';
import { list } from '../wire/encode.ts';
import { experimentNumber } from '../wire/limits.ts';
import { bool, double, enumeration, int32, int64, nested, repeated, required, string } from '../wire/message.ts';
import type { Values } from '../wire/message.ts';
import { invalid, missing, MlflowError } from '../wire/mlflow-error.ts';
import { inactive, noExperiment } from './experiment-routes.ts';

const PATH = '/mlflow/label-schemas';

const schemaType = enumeration(['FEEDBACK', 'EXPECTATION']);
/** One of these fields. */
const schemaInput = {
  pass_fail: nested({ positive_label: string, negative_label: string }),
  categorical: nested({ options: repeated(string), multi_select: bool }),
  numeric: nested({ min_value: double, max_value: double }),
  text: nested({ max_length: int64 }),
};
const labelSchema = {
  schema_id: string,
  experiment_id: string,
  name: string,
  type: schemaType,
  instruction: string,
  enable_comment: bool,
  input: nested(schemaInput),
  created_by: string,
  created_at: int64,
  last_updated_at: int64,
  is_default: bool,
};
const answered = { label_schema: nested(labelSchema) };
const byId = { schema_id: required(string) };

export const labelSchemaRoutes: readonly Route[] = [
  route({
    method: 'POST',
    version: 3,
    path: `${PATH}/create`,
    operation: createLabelSchemaOperation,
    request: {
      experiment_id: required(string),
      name: required(string),
      type: required(schemaType),
      input: required(nested(schemaInput)),
      instruction: string,
      enable_comment: bool,
    },
    response: answered,
    answer: async ({ experiment_id: given, name, type, input, instruction, enable_comment: comments }, call) => {
      const experimentId = experimentNumber(given);
      const made = await call(
        createLabelSchemaOperation,
        {
          experimentId,
          name,
          type,
          input: nativeInput(input),
          ...(instruction !== undefined && { instruction }),
          ...(comments !== undefined && { comments }),
        },
        { ...noExperiment(experimentId), ...inactive(experimentId), ...takenName(name, experimentId) },
      );
      return { label_schema: labelSchemaMessage(made) };
    },
  }),
  route({
    method: 'GET',
    version: 3,
    path: `${PATH}/get`,
    operation: readLabelSchemaOperation,
    request: byId,
    response: answered,
    answer: async ({ schema_id: id }, call) => ({
      label_schema: labelSchemaMessage(await call(readLabelSchemaOperation, { id: schemaName(id) }, noSchema(id))),
    }),
  }),
  route({
    method: 'GET',
    version: 3,
    path: `${PATH}/get-by-name`,
    operation: listLabelSchemasOperation,
    request: { experiment_id: required(string), name: required(string) },
    response: answered,
    answer: async ({ experiment_id: given, name }, call) => {
      const experimentId = experimentNumber(given);
      const none = () => missing(`Label schema with name '${name}' not found for experiment '${experimentId}'.`);
      if (name.length > 250) throw none();
      const refusals = { ...noExperiment(experimentId), ...inactive(experimentId) };
      const [found] = (await call(listLabelSchemasOperation, { experimentId, name }, refusals)).items;
      if (found === undefined) throw none();
      return { label_schema: labelSchemaMessage(found) };
    },
  }),
  route({
    method: 'GET',
    version: 3,
    path: `${PATH}/list`,
    operation: listLabelSchemasOperation,
    request: { experiment_id: required(string), max_results: int32, page_token: string },
    response: { label_schemas: repeated(nested(labelSchema)), next_page_token: string },
    answer: async ({ experiment_id: given, max_results: limit = 100, page_token: cursor = '' }, call) => {
      if (limit < 1) throw invalid('max_results must be between 1 and 50000.');
      const experimentId = experimentNumber(given);
      const found = await call(
        listLabelSchemasOperation,
        { experimentId, limit: Math.min(limit, 1000), ...(cursor !== '' && { cursor }) },
        { ...noExperiment(experimentId), ...inactive(experimentId) },
      );
      return { label_schemas: list(found.items.map(labelSchemaMessage)), next_page_token: found.nextCursor ?? '' };
    },
  }),
  route({
    method: 'PATCH',
    version: 3,
    path: `${PATH}/update`,
    operation: updateLabelSchemaOperation,
    request: { ...byId, name: string, instruction: string, enable_comment: bool, input: nested(schemaInput) },
    response: answered,
    answer: async ({ schema_id: id, name, instruction, enable_comment: comments, input }, call) => {
      const changed = await call(
        updateLabelSchemaOperation,
        {
          id: schemaName(id),
          ...(name !== undefined && { name }),
          ...(instruction !== undefined && { instruction }),
          ...(comments !== undefined && { comments }),
          ...(input !== undefined && { input: nativeInput(input) }),
        },
        { ...noSchema(id), ...takenName(name ?? '', '') },
      );
      return { label_schema: labelSchemaMessage(changed) };
    },
  }),
  route({
    method: 'DELETE',
    version: 3,
    path: `${PATH}/delete`,
    operation: deleteLabelSchemaOperation,
    request: byId,
    answer: async ({ schema_id: id }, call) => {
      // A label schema that does not exist is deleted.
      if (SCHEMA_ID.test(id)) await call(deleteLabelSchemaOperation, { id });
      return {};
    },
  }),
];

const SCHEMA_ID = /^ls-[a-z0-9-]{1,60}$/;

/** @throws MlflowError for an id that no label schema can have. */
function schemaName(id: string): string {
  if (SCHEMA_ID.test(id)) return id;
  throw missing(`Label schema with id '${id.slice(0, 200)}' not found.`);
}

function noSchema(id: string): Refusals {
  return { not_found: () => missing(`Label schema with id '${id}' not found.`) };
}

function takenName(name: string, experimentId: string): Refusals {
  const of = experimentId === '' ? '' : ` for experiment '${experimentId}'`;
  return {
    already_exists: () =>
      new MlflowError('RESOURCE_ALREADY_EXISTS', `Label schema with name '${name}' already exists${of}.`),
  };
}

/** @throws MlflowError without exactly one form. */
function nativeInput(sent: Values<typeof schemaInput>): LabelInput {
  if (Object.keys(sent).length !== 1) {
    throw invalid('Label schema `input` must have one of pass_fail, categorical, numeric and text.');
  }
  const { pass_fail: passFail, categorical, numeric, text } = sent;
  if (passFail !== undefined) {
    const { positive_label: positive = '', negative_label: negative = '' } = passFail;
    return { kind: 'passFail', positive, negative };
  }
  if (categorical !== undefined) {
    const { options = [], multi_select: multiple = false } = categorical;
    return { kind: 'categorical', options: [...options], multiple };
  }
  if (numeric !== undefined) {
    const { min_value: min, max_value: max } = numeric;
    return { kind: 'numeric', ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
  }
  const { max_length: maxLength } = text ?? {};
  return { kind: 'text', ...(maxLength !== undefined && { maxLength }) };
}

function inputMessage(input: LabelInput) {
  switch (input.kind) {
    case 'passFail':
      return { pass_fail: { positive_label: input.positive, negative_label: input.negative } };
    case 'categorical':
      return { categorical: { options: input.options, multi_select: input.multiple } };
    case 'numeric':
      return { numeric: { min_value: input.min, max_value: input.max } };
    default:
      return { text: { max_length: input.maxLength } };
  }
}

function labelSchemaMessage(one: LabelSchema) {
  return {
    schema_id: one.id,
    experiment_id: one.experimentId,
    name: one.name,
    type: one.type,
    instruction: one.instruction,
    enable_comment: one.comments,
    input: inputMessage(one.input),
    created_at: one.createdAt,
    last_updated_at: one.updatedAt,
    is_default: one.isDefault,
  };
}
