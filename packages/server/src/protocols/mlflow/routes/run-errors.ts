import type { RefusedCall, Refusals } from '#protocols/mlflow/route.ts';
import { invalid, missing } from '#protocols/mlflow/wire/mlflow-error.ts';
import { pythonText } from '#protocols/mlflow/wire/python-text.ts';

/** What calls about a run are refused with, in MLflow's texts. */
export function refusedRun(id: string): Refusals {
  return {
    not_found: () => missing(`Run with id=${id} not found`),
    invalid_state: () => invalid(`The run ${id} must be in the 'active' state. Current state is deleted.`),
  };
}

interface Param {
  readonly key: string;
  readonly value: string;
}

const UNCHANGED = 'Changing param values is not allowed.';

/** A parameter has another value already; for one parameter or a batch. */
export function refusedParam(id: string, { key, value }: Param): Refusals {
  const toError = ({ issues }: RefusedCall) =>
    invalid(
      `${UNCHANGED} Param with key='${key}' was already logged with value='${issues[0]?.expected ?? ''}' for run ID='${id}'. Attempted logging new value '${value}'.`,
    );
  return { ...refusedRun(id), immutable_field: toError };
}

export function refusedParams(id: string, params: readonly Param[]): Refusals {
  const toError = ({ issues }: RefusedCall) => {
    const changes = issues.flatMap(({ path, expected = '' }) => {
      const param = params[Number(/^params\[(\d+)\]/.exec(path ?? '')?.[1] ?? -1)];
      if (param === undefined) return [];
      const { key, value } = param;
      return `{'key': ${pythonText(key)}, 'old_value': ${pythonText(expected)}, 'new_value': ${pythonText(value)}}`;
    });
    return invalid(`${UNCHANGED} Params were already logged='[${changes.join(', ')}]' for run ID='${id}'.`);
  };
  return { ...refusedRun(id), immutable_field: toError };
}

/** Whether it is a tag that is missing, and not what has it. */
export function isTagMissing({ message }: RefusedCall): boolean {
  return message.includes(' has no tag ');
}
