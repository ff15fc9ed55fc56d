/**
 * For tests: a Dais and the MLflow client in a separate Python environment, with scenarios that report their results.
 */
import { join } from 'node:path';
import type { ConfigFlags } from '#config-load.ts';
import type { StartedDais } from '#testing/start-dais.ts';
import {
  startClientPython,
  type CalledDais,
  type ClientEnvironment,
  type ClientPython,
  type ClientRun,
} from '#testing/client-python.ts';

/** ScenarioResult by a script: one line of JSON for each scenario. */
export interface ScenarioResult {
  readonly name: string;
  readonly error?: string;
  readonly skipped?: true;
}

export interface PythonPeer<Called extends CalledDais = StartedDais> extends ClientPython<Called> {
  /** Runs a program with arguments in an environment. @throws Error with the end of its standard error, unless it ends with 0. */
  python(environment: ClientEnvironment, words: readonly string[], how: ClientRun): Promise<string>;
  /** The results of `scenarios.py` for these scenarios, or for all; without skipped ones. */
  scenarios(
    environment: ClientEnvironment,
    names: readonly string[],
    how: ClientRun,
  ): Promise<readonly ScenarioResult[]>;
}

export async function startPythonPeer(flags: ConfigFlags = {}): Promise<PythonPeer> {
  return pythonPeer(await startClientPython('mlflow', flags));
}

/** Adds scenarios to clients of MLflow. */
export function pythonPeer<Called extends CalledDais>(peer: ClientPython<Called>): PythonPeer<Called> {
  const python: PythonPeer['python'] = async (environment, words, how) => {
    const { code, stdout, stderr } = await peer.run(environment, words, how);
    if (code !== 0) throw new Error(stderr.slice(-3000));
    return stdout;
  };
  return {
    ...peer,
    python,
    scenarios: async (environment, names, how) => {
      const output = await python(environment, [join(peer.folder, 'scenarios.py'), ...names], how);
      return output
        .split('\n')
        .filter((text) => text.startsWith('{'))
        .map((text) => JSON.parse(text) as ScenarioResult)
        .filter(({ skipped }) => skipped !== true);
    },
  };
}

/** The scenarios that failed, with their tracebacks. */
export function failed(reported: readonly ScenarioResult[]): readonly ScenarioResult[] {
  return reported.filter(({ error }) => error !== undefined);
}
