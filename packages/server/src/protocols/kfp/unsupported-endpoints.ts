/** Published endpoints that Dais does not implement, with reasons for clients and for the table of endpoints. */

interface Absent {
  readonly method: string;
  /** Path below `/apis/v2beta1`. */
  readonly path: RegExp;
  readonly reason: string;
}

const absent: readonly Absent[] = [
  {
    method: 'PATCH',
    path: /^\/pipelines\/[^/]+\/versions\/[^/]+$/,
    reason: 'pipeline versions are immutable; upload a new version',
  },
  { method: 'GET', path: /^\/auth$/, reason: "only Kubeflow's own user interface uses it, for TensorBoards" },
];

/** Returns why an endpoint is not implemented. Undefined for unpublished endpoints. */
export function unsupportedReason(method: string, path: string): string | undefined {
  return absent.find((one) => one.method === method && one.path.test(path))?.reason;
}
