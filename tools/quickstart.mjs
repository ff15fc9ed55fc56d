#!/usr/bin/env node
/**
 * Sets up a running Dais with the demo of a model from a clone: npm run quickstart [-- OPTIONS]. Needs no root, no pip
 * and no venv module, and can be rerun at any time: completed steps are skipped. Old versions of Node can load this
 * file and preflight.mjs, which then report what to install; everything else is loaded after that.
 */
import { join, resolve } from 'node:path';
import { cacheFolder, configFolder, environment, home } from './environment.mjs';
import { gatherFacts, judge } from './preflight.mjs';

const USAGE = `usage: npm run quickstart [-- OPTIONS]

  Checks this machine, installs and builds what is missing, starts Dais and runs a demo on real flights:
  data, training, approval, serving, drift, automatic retraining, rollout, lineage. All files are in the clone,
  the data folder, the folder of keys and the cache; nothing is installed system-wide.

  --data DIR   data folder of Dais        (default: $DAIS_DATA, else /var/lib/dais as root, else ~/.dais)
  --port N     HTTP port                  (default: 7070, or the next free one)
  --slice      every fourth flight of January, February and July  (default)
  --year       all flights of 2013
  --speed N    replay flights N times faster than real time  (default: as fast as possible)
  --serve      only start the server, without the demo
  --exit       stop after a successful run
  --help       this text

  Variables: DAIS_CACHE (downloads; default ~/.cache/dais), DAIS_PYTHON, npm_config_registry, UV_INDEX_URL or
  PIP_INDEX_URL, HTTPS_PROXY, NODE_EXTRA_CA_CERTS.
`;

/**
 * Measured: node_modules 0.33 GB, a new data folder 0.05 GB and 0.6 GB of Python packages with their cache, uv 0.04 GB;
 * and room to work.
 */
const NEEDED = { clone: 1e9, cache: 1e9, data: 1.5e9 };

/**
 * @typedef {{ data: string, keys: string, port?: string, exit: boolean, slice: boolean, serve: boolean, speed?: number,
 * help: boolean, again: readonly string[] }} Options `again`: the options that are given when it is started again
 *
 * @param {readonly string[]} args
 * @returns {Options | string} a string is what is wrong
 */
function readOptions(args) {
  const root = process.getuid !== undefined && process.getuid() === 0;
  /** @type {Options} */
  const options = {
    data: environment.DAIS_DATA || (root ? '/var/lib/dais' : join(home(), '.dais')),
    keys: environment.DAIS_KEYS_FOLDER || (root ? '/etc/dais/keys' : join(configFolder(), 'dais', 'keys')),
    exit: false,
    slice: true,
    serve: false,
    help: false,
    again: args.filter((word) => word !== '--exit'),
  };
  for (let at = 0; at < args.length; at++) {
    const [name = '', inline] = (args[at] || '').split(/=(.*)/s);
    const value = () => (inline === undefined ? args[++at] : inline);
    if (name === '--exit') options.exit = true;
    else if (name === '--slice') options.slice = true;
    else if (name === '--year') options.slice = false;
    else if (name === '--serve') options.serve = true;
    else if (name === '--help' || name === '-h') options.help = true;
    else if (name === '--data' || name === '--port' || name === '--speed') {
      const given = value();
      if (!given) return `${name} needs a value`;
      // npm changes to the clone; a relative path is meant from where it was called.
      if (name === '--data') options.data = resolve(environment.INIT_CWD || '.', given);
      else if (name === '--port') options.port = given;
      else options.speed = Number(given);
    } else return `unknown option ${name}`;
  }
  if (options.port !== undefined && !(Number(options.port) >= 1 && Number(options.port) <= 65535)) {
    return `--port is a number from 1 to 65535, not ${options.port}`;
  }
  if (options.speed !== undefined && !(options.speed > 0)) return '--speed is a number above 0';
  return options;
}

/** @param {Options} options */
async function preflight(options) {
  const clone = join(new URL('..', import.meta.url).pathname);
  let install = true;
  try {
    // Fails on Nodes that are too old to load it: then an install is needed in any case.
    install = (await import('./install.mjs')).installNeeded();
  } catch {
    install = true;
  }
  const facts = await gatherFacts(
    [
      { name: 'clone', path: clone, needed: install ? NEEDED.clone : 0.2e9 },
      { name: 'cache', path: cacheFolder(), needed: NEEDED.cache },
      { name: 'data', path: options.data, needed: NEEDED.data },
      { name: 'keys', path: options.keys, needed: 1e6 },
    ],
    install,
    environment,
  );
  const findings = judge(facts);
  const problems = findings.filter((finding) => finding.weight === 'problem');
  for (const { weight, what, fix } of findings) {
    process.stderr.write(`${weight === 'problem' ? '✗' : '•'} ${what}\n    ${fix}\n`);
  }
  if (problems.length > 0) {
    process.stderr.write(`\n${problems.length} to fix, then run it again: npm run quickstart\n`);
    return false;
  }
  process.stdout.write(`✓ this machine can run Dais\n`);
  return true;
}

const options = readOptions(process.argv.slice(2));
if (typeof options === 'string') {
  process.stderr.write(`${options}\n\n${USAGE}`);
  process.exitCode = 2;
} else if (options.help) process.stdout.write(USAGE);
else if (environment.DAIS_CONTINUED === String(process.ppid) || (await preflight(options))) {
  // Only now, because older Nodes cannot load it.
  const { continueOnPinnedNode } = await import('./runtime.mjs');
  const announce = (/** @type {string} */ text) => void process.stdout.write(text);
  process.exitCode = (await continueOnPinnedNode(announce)) ?? (await start(options));
} else process.exitCode = 1;

/** @param {Options} options */
async function start(options) {
  const { quickstart } = await import('./quickstart-phases.mjs');
  return await quickstart(options);
}
