/** The text that a terminal shows when Dais is ready. */
export interface StartFacts {
  readonly version: string;
  readonly url: string;
  /** `host:port` of the services with gRPC; undefined: there are none. */
  readonly grpc: string | undefined;
  /** The configured port, if it is in use and another one was chosen. */
  readonly preferredPort: number | undefined;
  readonly data: string;
  /** The data folder is removed when Dais stops. */
  readonly isTemporary: boolean;
  readonly database: string;
  readonly readyMs: number;
  readonly phases: readonly { readonly name: string; readonly ms: number }[];
  readonly color: boolean;
}

export function startScreen(facts: StartFacts): string {
  const paint = (code: number, text: string) => (facts.color ? `\u001b[${code}m${text}\u001b[0m` : text);
  const row = (name: string, value: string) => `  ${paint(2, name.padEnd(10))} ${value}`;
  const phases = facts.phases.map((phase) => `${phase.name} ${seconds(phase.ms)}`).join(', ');
  return [
    '',
    `  ${paint(1, `Dais ${facts.version}`)} is ready after ${seconds(facts.readyMs)} ${paint(2, `(${phases})`)}`,
    '',
    row('Open', paint(36, `${facts.url}/`)),
    ...(facts.preferredPort === undefined
      ? []
      : [row('', `port ${facts.preferredPort} is in use, so another port was chosen`)]),
    ...(facts.grpc === undefined ? [] : [row('gRPC', facts.grpc)]),
    row('Data', facts.data),
    row('Database', facts.database),
    '',
    row('Try', 'dais get projects'),
    row('', 'dais apply -f FILE'),
    row('Stop', facts.isTemporary ? 'Ctrl-C deletes the data of this session' : 'Ctrl-C keeps the data'),
    '',
    '',
  ].join('\n');
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 950 ? 2 : 1)} s`;
}
