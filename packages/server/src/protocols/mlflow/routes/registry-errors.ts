import type { RefusedCall, Refusals } from '#protocols/mlflow/route.ts';
import { invalid, missing, MlflowError } from '#protocols/mlflow/wire/mlflow-error.ts';
import { noVersion } from '#protocols/mlflow/wire/registry-limits.ts';

const noModel = (name: string) => missing(`Registered Model with name=${name} not found`);

export function refusedModel(name: string): Refusals {
  return { not_found: () => noModel(name) };
}

/** The model or its version is missing; the message names which. */
export function refusedVersion(name: string, version: string): Refusals {
  return {
    not_found: ({ message }) => (message.includes(' has no version ') ? noVersion(name, version) : noModel(name)),
  };
}

/** MLflow returns 400 here, and clients check the message. */
export function refusedAlias(name: string, alias: string): Refusals {
  const unknown = ({ message }: RefusedCall) =>
    message.includes(' has no alias ') ? invalid(`Registered model alias ${alias} not found.`) : noModel(name);
  return { not_found: unknown };
}

export function takenName(name: string, entity: 'Registered Model' | 'Prompt' = 'Registered Model'): Refusals {
  return {
    already_exists: () => new MlflowError('RESOURCE_ALREADY_EXISTS', `${entity} (name=${name}) already exists.`),
  };
}

/** The model of the new version is missing, or that of its source; the message names which. */
export function refusedSource(name: string): Refusals {
  return {
    not_found: ({ message }) => {
      const [, model, version] = /^Model "(.*)" has no version (\d+)\.$/.exec(message) ?? [];
      if (model !== undefined && version !== undefined) return noVersion(model, version);
      const alias = /has no alias "(.*)"\.$/.exec(message)?.[1];
      if (alias !== undefined) return invalid(`Registered model alias ${alias} not found.`);
      const [, empty, stage] = /^Model "(.*)" has no versions(?: in stage (\w+))?\.$/.exec(message) ?? [];
      if (empty !== undefined) {
        return stage === undefined
          ? missing(`Latest version not found for model ${empty}.`)
          : missing(`No versions of model with name '${empty}' and stage '${stage}' found`);
      }
      return noModel(/^There is no Model "(.*)"\.$/.exec(message)?.[1] ?? name);
    },
  };
}
