/** Tests in a task without network access whether network policies are enforced: many network plugins ignore them. */

export interface TestedAddress {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** For people: `the API server`. */
  readonly what: string;
  /** Every pod reaches it where policies are not enforced, so that a failure proves them. */
  readonly isSure: boolean;
  /** Pods may reach it even where policies are enforced, so that a success proves nothing. */
  readonly isExempt: boolean;
}

/** `unknown`: the image has no program for it. */
export type ConnectionResult = 'open' | 'closed' | 'unknown';

export interface NetworkFindings {
  readonly features: readonly string[];
  readonly warnings: readonly string[];
}

/** The metadata service of most clouds. */
export const METADATA: TestedAddress = {
  name: 'metadata',
  host: '169.254.169.254',
  port: 80,
  what: 'the metadata service',
  isSure: false,
  // Some clouds have a proxy for it on each node, and policies always permit the node of a pod.
  isExempt: true,
};

/** Policies permit connections to Dais: without one, a failure elsewhere can have any reason. */
export const CONTROL = 'dais';

const CONNECT_SECONDS = 3;

/**
 * Connects with the first program that the image has. Exits with 0, with 1 after a failure, with 2 without a program. The nc of some distributions has no
 * option `-z`: without it, nc ends when the server closes the connection.
 */
const CONNECT = `connect() {
  if command -v nc > /dev/null; then
    nc -z -w ${CONNECT_SECONDS} "$1" "$2" < /dev/null || nc -w ${CONNECT_SECONDS} "$1" "$2" < /dev/null
  elif command -v python3 > /dev/null; then python3 -c 'import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), ${CONNECT_SECONDS})' "$1" "$2"
  elif command -v node > /dev/null; then node -e 'const [, host, port] = process.argv; const exit = (code) => () => process.exit(code); setTimeout(exit(1), ${CONNECT_SECONDS}000); require("net").connect(port, host).on("connect", exit(0)).on("error", exit(1))' "$1" "$2"
  elif command -v bash > /dev/null && command -v timeout > /dev/null; then timeout ${CONNECT_SECONDS} bash -c ': < "/dev/tcp/$0/$1"' "$1" "$2"
  else return 2; fi
}
`;

/** Returns a script that writes a line for each address into the file `network`. Its lines are read by `readResults`. */
export function networkScript(addresses: readonly TestedAddress[]): string {
  const tests = addresses.map(
    ({ name, host, port }) =>
      `(connect '${host}' ${port} > /dev/null 2>&1; case $? in 0) echo '${name} open';; 2) echo '${name} unknown';; *) echo '${name} closed';; esac) > network.${name} &`,
  );
  return [CONNECT, ...tests, 'wait', 'cat network.* > network'].join('\n');
}

export function readResults(text: string): ReadonlyMap<string, ConnectionResult> {
  const results = new Map<string, ConnectionResult>();
  for (const [, name = '', result] of text.matchAll(/^(\S+) (open|closed|unknown)$/gm)) {
    results.set(name, result as ConnectionResult);
  }
  return results;
}

/** Pure. `image`: of the task. */
export function evaluateNetwork(
  addresses: readonly TestedAddress[],
  results: ReadonlyMap<string, ConnectionResult>,
  image: string,
): NetworkFindings {
  const warnings: string[] = [];
  const are = (expected: ConnectionResult) => addresses.filter(({ name }) => results.get(name) === expected);
  if (are('open').some(({ name }) => name === METADATA.name)) {
    warnings.push(
      `Steps without network access reach ${METADATA.what} of the cloud at ${METADATA.host}, which can give them the credentials of the node. Block it with enforced network policies, or let the nodes refuse pods (hop limit 1, or workload identities).`,
    );
  }
  const reached = are('open').find(({ isExempt }) => !isExempt);
  if (reached !== undefined) {
    const { what, host, port } = reached;
    warnings.push(
      `Network policies are not enforced in this cluster: a step without network access connected to ${what} at ${host}:${port}. Install a network plugin that enforces NetworkPolicy, such as Calico or Cilium. Until then, every step has network access.`,
    );
    return { features: [], warnings };
  }
  const canConnect = results.get(CONTROL) === 'open';
  if (canConnect && are('closed').some(({ isSure }) => isSure)) return { features: ['network-policies'], warnings };
  const why =
    are('unknown').length > 0
      ? `the image ${image} has none of nc, python3, node and bash for a test`
      : canConnect
        ? 'policies always permit connections to the node of a pod, where the API server runs here'
        : `the test with the programs of the image ${image} did not even connect to Dais`;
  warnings.push(
    `It is unknown whether this cluster enforces network policies: ${why}. See the documentation of its network plugin.`,
  );
  return { features: [], warnings };
}
