/** The final screen of the quickstart. */

/**
 * @typedef {object} Environment how a browser reaches this machine
 * @property {string} [sshConnection] SSH_CONNECTION: `client clientPort server serverPort`
 * @property {string} [user]
 * @property {boolean} wsl
 * @property {boolean} container
 *
 * @typedef {object} Story
 * @property {readonly { what: string, address: string }[]} links
 * @property {string | undefined} invitation the link by which the reader chooses a password
 * @property {{ readonly decision: { readonly run?: string } }} [finding] the decision of the alert
 *
 * @typedef {object} Outcome
 * @property {string} url
 * @property {number} port
 * @property {Story} [story] absent: only started
 * @property {readonly { path: string, bytes: number, what: string }[]} disk
 * @property {string} data
 * @property {string} keys the folder of the keys that encrypt secrets, which other data folders may use too
 * @property {string} log
 * @property {boolean} exits true when it stops automatically
 * @property {readonly string[]} again the options with which it starts again
 * @property {Environment} environment
 */

/**
 * @param {Outcome} outcome
 * @returns {string}
 */
export function finalScreen({ url, port, story, disk, data, keys, log, exits, again, environment }) {
  const total = disk.reduce((sum, location) => sum + location.bytes, 0);
  const width = Math.max(...disk.map((location) => location.path.length));
  return [
    '',
    `  Dais runs at ${url}`,
    '',
    `  ${url}/                    the console`,
    `  ${url}/docs                documentation`,
    `  ${url}/api/openapi.json    API reference (OpenAPI)`,
    ...tunnel(port, environment).map((line) => (line === '' ? '' : `  ${line}`)),
    '',
    ...(story === undefined ? [] : storyLines(story)),
    `  Disk: ${megabytes(total)}`,
    ...disk.map(
      (location) => `    ${location.path.padEnd(width)}  ${megabytes(location.bytes).padStart(8)}  ${location.what}`,
    ),
    '',
    exits ? '  Stopping now.' : '  To stop: Ctrl-C here.',
    `  To start again: npm run quickstart${again.length > 0 ? ` -- ${again.map(quoted).join(' ')}` : ''}`,
    `  Completed steps are not repeated. Log: ${log}`,
    `  To delete everything: rm -rf ${[data, ...disk.map((location) => location.path)].filter(unique).map(quoted).join(' ')}`,
    `  and its keys, unless another Dais server on this machine uses them: rm -rf ${quoted(keys)}`,
    '',
  ].join('\n');
}

/**
 * Returns links to the results, and which parts were real, replayed or simulated.
 * @param {Story} story
 */
function storyLines({ links, invitation, finding }) {
  const isRetrained = finding === undefined || finding.decision.run !== undefined;
  return [
    ...(invitation === undefined
      ? []
      : ['  Create the administrator account (choose a password):', `    ${invitation}`, '']),
    '  See in the console',
    ...links.map(({ what, address }) => `    ${what}\n      ${address}`),
    '',
    `  Real: flights, weather, delays, training runs, metrics, drift, ${isRetrained ? 'the alert and its retraining' : 'the alert'}, policy decisions, predictions, lineage.`,
    ...(isRetrained ? [] : ['  Refused here: automatic retraining by the alert. The trainer started it instead.']),
    '  Replayed: the traffic. Features are point-in-time joins from the training data.',
    '  Simulated: the three accounts, by this program.',
    '',
    '  Track your own code: npx dais login, then eval "$(npx dais env)" and python train.py',
    '',
  ];
}

/**
 * Returns how a browser on another machine reaches a server that listens on loopback only.
 * @param {number} port
 * @param {Environment} environment
 * @returns {string[]}
 */
export function tunnel(port, { sshConnection, user, wsl, container }) {
  const [, , server, sshPort] = (sshConnection ?? '').split(' ');
  if (server && sshPort) {
    const other = sshPort === '22' ? '' : `-p ${sshPort} `;
    const host = server.includes(':') ? `[${server}]` : server;
    return [
      '',
      'You are connected over SSH. Run this on your own machine, then open the URL above:',
      `  ssh -N -L ${port}:127.0.0.1:${port} ${other}${user ?? 'USER'}@${host}`,
    ];
  }
  if (wsl) return ['', `WSL: open it in Windows at http://localhost:${port}`];
  if (container) {
    return ['', 'Container: start it with --network=host to reach the URL above from the host.'];
  }
  return [];
}

/** @param {number} bytes */
function megabytes(bytes) {
  return bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** @type {(value: string, at: number, all: readonly string[]) => boolean} */
function unique(value, at, all) {
  return all.indexOf(value) === at;
}

/** @param {string} path */
function quoted(path) {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
