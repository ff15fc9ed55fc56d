/** What Dais does not answer of the published endpoints, and why: told to clients, and in the table of endpoints. */

interface Absent {
  readonly method: string;
  /** Below `/apis/v2beta1`. */
  readonly path: RegExp;
  readonly reason: string;
}

const absent: readonly Absent[] = [
  {
    method: 'PATCH',
    path: /^\/pipelines\/[^/]+\/versions\/[^/]+$/,
    reason: 'a version is never changed: upload another one',
  },
  { method: 'GET', path: /^\/auth$/, reason: "for Kubeflow's own pages, which ask it about TensorBoards" },
];

/** Undefined for what is not published, as far as Dais knows. */
export function whyAbsent(method: string, path: string): string | undefined {
  return absent.find((one) => one.method === method && one.path.test(path))?.reason;
}
