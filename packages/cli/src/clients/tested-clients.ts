/** Clients that are tested against every Dais release, by their names on the Python package index. */

export interface TestedClient {
  readonly name: string;
  /** Other packages that include the same client. */
  readonly also?: readonly string[];
  /** Ascending. Empty: Dais does not support the protocol of this client yet. */
  readonly versions: readonly string[];
}

/** `tested-clients.int.test.ts` compares these with the pinned requirements of the conformance tests. */
export const testedClients: readonly TestedClient[] = [
  { name: 'mlflow', also: ['mlflow-skinny'], versions: ['2.22.5', '3.4.0', '3.17.2', '3.18.0'] },
  { name: 'kfp', versions: ['2.15.2', '2.17.3'] },
  { name: 'feast', versions: ['0.66.0', '0.67.0'] },
  { name: 'optuna', versions: [] },
  { name: 'openai', versions: [] },
  { name: 'tritonclient', versions: ['2.73.0'] },
];
