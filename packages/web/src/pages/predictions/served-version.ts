/** The version that served a prediction, from the columns `model` and `version`. Pure. */
import { versionAddress, type Address } from '#addresses.ts';

export interface ServedVersion {
  readonly text: string;
  /** Undefined: the registry does not contain it. */
  readonly address: Address | undefined;
}

/** Returns undefined if no model served the request. A model of another server is `SERVER:MODEL`; a model of a run has no version. */
export function servedVersion(project: string, model: string, version: string): ServedVersion | undefined {
  const text = version === '' ? model : `${model}/${version}`;
  if (model.includes(':')) return { text, address: undefined };
  return model === '' || version === '' ? undefined : { text, address: versionAddress(project, model, version) };
}
