/**
 * The properties of this machine, and whether Dais can run on it. Old versions of Node (>= 14) can load this file, so
 * that they are reported together with everything else that is missing. `gatherFacts` inspects the machine, `judge`
 * evaluates the facts.
 */
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { freemem } from 'node:os';
import { dirname } from 'node:path';

/**
 * @typedef {object} Location
 * @property {string} name what is kept there
 * @property {string} path
 * @property {boolean} writable
 * @property {number} [free] bytes; unknown on Nodes without statfs
 * @property {number} needed bytes
 *
 * @typedef {object} Facts
 * @property {string} node
 * @property {string} platform `linux`, `darwin`, …
 * @property {string} arch
 * @property {string | undefined} glibc undefined on musl
 * @property {string | undefined} npm undefined when it is not there
 * @property {readonly { command: string, version: string }[]} pythons every Python found, best first
 * @property {boolean} git
 * @property {number} memory bytes that are available now, within the limit of the container
 * @property {readonly Location[]} places
 * @property {Registry} registry
 * @property {'apt' | 'dnf' | 'brew' | 'other'} installer
 * @property {boolean} root
 * @property {Namespaces} namespaces
 *
 * @typedef {'allowed' | 'max' | 'clone' | 'apparmor' | 'refused'} Namespaces whether this user may make namespaces, in
 * which bubblewrap isolates code and models of users; else what prevents it: one of three settings of the kernel, or
 * something else
 *
 * @typedef {{ needed: false } | { needed: true, reachable: true } | { needed: true, reachable: false, reason: string }}
 * Registry
 *
 * @typedef {object} Finding
 * @property {'problem' | 'note'} weight a problem stops the start, a note does not
 * @property {string} what
 * @property {string} fix exactly what to do
 */

const GIB = 1024 ** 3;

/** Dais runs on Node 24; from 20.19 on the tools can fetch it. 21 lacks what 20.19 got later. */
const NODE = 'Node >= 20.19 (20, 22 or 24)';

/** Measured: the build peaks at 0.5 GiB, a started Dais idles below 0.25 GiB; further work needs more. */
const MEMORY_NEEDED = 1 * GIB;
const MEMORY_RECOMMENDED = 2 * GIB;

/** @type {Record<string, string>} how to have a folder elsewhere */
const OTHER_LOCATION = { data: '-- --data DIR', cache: 'DAIS_CACHE=DIR', keys: 'DAIS_KEYS_FOLDER=DIR' };

/** The pinned uv and the native packages are built against it. */
const GLIBC = '2.28';

/**
 * @param {Facts} facts
 * @returns {Finding[]} every finding, problems first
 */
export function judge(facts) {
  /** @type {Finding[]} */
  const findings = [...judgeMachine(facts), ...judgePrograms(facts), ...checkLocations(facts)];
  if (facts.registry.needed && !facts.registry.reachable) {
    findings.push({
      weight: 'problem',
      what: `the npm registry does not respond (${facts.registry.reason})`,
      fix: 'set npm_config_registry to a mirror, or HTTPS_PROXY to your proxy (and NODE_EXTRA_CA_CERTS to its certificate)',
    });
  }
  return [...findings.filter((one) => one.weight === 'problem'), ...findings.filter((one) => one.weight === 'note')];
}

/**
 * @param {Facts} facts
 * @returns {Finding[]}
 */
function judgeMachine({ platform, arch, glibc, memory }) {
  /** @type {Finding[]} */
  const findings = [];
  const known = ['linux', 'darwin'].includes(platform) && ['x64', 'arm64'].includes(arch);
  if (platform === 'win32') {
    findings.push({
      weight: 'problem',
      what: 'Windows itself is not supported',
      fix: 'run it in WSL2: wsl --install -d Debian',
    });
  } else if (!known) {
    const fix = 'use Linux on x64 or arm64';
    findings.push({ weight: 'problem', what: `${platform} on ${arch} is not supported`, fix });
  } else if (platform === 'darwin') {
    findings.push({ weight: 'note', what: 'macOS is experimental', fix: 'use Linux for anything you rely on' });
  } else if (glibc === undefined) {
    const fix = 'use a system with glibc: Debian, Ubuntu, Fedora (in a container: FROM debian:13)';
    findings.push({ weight: 'problem', what: 'this Linux has musl instead of glibc (Alpine?)', fix });
  } else if (older(glibc, GLIBC)) {
    const fix = 'use Debian >= 11, Ubuntu >= 20.04 or another system of their age';
    findings.push({ weight: 'problem', what: `glibc ${glibc} is older than ${GLIBC}`, fix });
  }
  if (memory < MEMORY_RECOMMENDED) {
    const enough = memory >= MEMORY_NEEDED;
    findings.push({
      weight: enough ? 'note' : 'problem',
      what: `${gib(memory)} of memory are free; ${gib(enough ? MEMORY_RECOMMENDED : MEMORY_NEEDED)} are ${enough ? 'better' : 'needed'}`,
      fix: 'close other programs, or give the machine or container more memory',
    });
  }
  return findings;
}

/**
 * @param {Facts} facts
 * @returns {Finding[]}
 */
function judgePrograms(facts) {
  /** @type {Finding[]} */
  const findings = [];
  const [major = 0, minor = 0] = facts.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19) || major === 21) {
    findings.push({
      weight: 'problem',
      what: `this is Node ${facts.node}, but ${NODE} is needed`,
      fix: install(facts, 'nodejs npm', 'node@24', 'Debian 13 and Ubuntu 25.10 have it; elsewhere: nvm install 24'),
    });
  }
  if (!facts.npm) {
    findings.push({ weight: 'problem', what: 'npm is not installed', fix: install(facts, 'npm', 'node@24') });
  }
  if (!facts.pythons.some(({ version }) => !older(version, '3.11'))) {
    const found = facts.pythons.map((one) => `${one.command} is ${one.version}`).join(', ') || 'none was found';
    findings.push({
      weight: 'problem',
      what: `Python >= 3.11 is needed, but ${found}`,
      fix: install(facts, 'python3', 'python@3.13', 'or name another: DAIS_PYTHON=/path/to/python3'),
    });
  }
  if (!facts.git) {
    const fix = install(facts, 'git', 'git');
    findings.push({
      weight: 'note',
      what: 'git is not installed: applied manifests will not record their commit',
      fix,
    });
  }
  const prevented = PREVENTED[facts.namespaces];
  if (facts.platform === 'linux' && prevented !== undefined) {
    findings.push({
      weight: 'note',
      what: `${prevented.what}: user code and models are isolated less strictly (by Landlock), or not at all`,
      fix: `${prevented.fix}; \`dais doctor\` shows which isolation Dais uses`,
    });
  }
  return findings;
}

/** @type {Partial<Record<Namespaces, { what: string, fix: string }>>} */
const PREVENTED = {
  max: { what: 'user namespaces are off', fix: 'sysctl -w user.max_user_namespaces=15000' },
  clone: { what: 'only root may create user namespaces', fix: 'sysctl -w kernel.unprivileged_userns_clone=1' },
  apparmor: {
    what: 'AppArmor restricts user namespaces',
    fix: 'cp deploy/apparmor/dais-bwrap /etc/apparmor.d/ && apparmor_parser -r /etc/apparmor.d/dais-bwrap',
  },
  refused: {
    what: 'this machine or container denies namespaces',
    fix: 'in a container: docs/guide/isolation.md lists the options of Docker, podman and Kubernetes',
  },
};

/**
 * @param {Facts} facts
 * @returns {Finding[]}
 */
function checkLocations(facts) {
  /** @type {Finding[]} */
  const findings = [];
  for (const { name, path, writable, free, needed } of facts.places) {
    const other = OTHER_LOCATION[name] || 'another folder for the clone';
    if (!writable) {
      const fix = `make it writable (chown -R "$(id -u)" ${path}), or choose another place: ${other}`;
      findings.push({ weight: 'problem', what: `the ${name} folder ${path} cannot be written`, fix });
    }
    if (free !== undefined && free < needed) {
      findings.push({
        weight: 'problem',
        what: `${gib(free)} are free at ${path} (${name}); ${gib(needed)} are needed`,
        fix: `free some space there, or choose another place: ${other}`,
      });
    }
  }
  return findings;
}

/**
 * @param {Facts} facts
 * @param {string} apt packages, as Debian and Fedora name them
 * @param {string} brew
 * @param {string} [otherwise]
 */
function install(facts, apt, brew, otherwise) {
  const sudo = facts.root ? '' : 'sudo ';
  const lines = {
    apt: `${sudo}apt-get update && ${sudo}apt-get install -y ${apt}`,
    dnf: `${sudo}dnf install -y ${apt}`,
    brew: `brew install ${brew}`,
    other: `install ${apt} with the package manager of this system`,
  };
  return otherwise ? `${lines[facts.installer]} (${otherwise})` : lines[facts.installer];
}

/**
 * True when the first dotted version is older than the second.
 * @param {string} version
 * @param {string} expected
 */
function older(version, expected) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [requiredMajor = 0, requiredMinor = 0] = expected.split('.').map(Number);
  return major < requiredMajor || (major === requiredMajor && minor < requiredMinor);
}

/** @param {number} bytes */
function gib(bytes) {
  return `${(bytes / GIB).toFixed(1)} GiB`;
}

/**
 * @param {readonly { name: string, path: string, needed: number }[]} locations
 * @param {boolean} registryNeeded
 * @param {Readonly<Record<string, string | undefined>>} variables
 * @returns {Promise<Facts>} within about 2 s: all probes run at once
 */
export async function gatherFacts(locations, registryNeeded, variables) {
  const python = variables.DAIS_PYTHON
    ? [variables.DAIS_PYTHON]
    : ['python3', 'python3.13', 'python3.12', 'python3.11'];
  const ask = 'import sys; print("%d.%d.%d" % sys.version_info[:3])';
  const root = process.getuid !== undefined && process.getuid() === 0;
  const [npm, git, registry, checked, namespaces, ...pythons] = await Promise.all([
    npmVersion(variables),
    output('git', ['--version']),
    probeRegistry(registryNeeded),
    Promise.all(locations.map(look)),
    tryNamespaces(root),
    ...python.map((command) => output(command, ['-I', '-c', ask])),
  ]);
  /** @type {any} */
  const report = process.report ? process.report.getReport() : undefined;
  return {
    node: process.versions.node,
    platform: process.platform,
    arch: process.arch,
    glibc: report && report.header.glibcVersionRuntime,
    npm,
    pythons: python.map((command, at) => ({ command, version: pythons[at] || '' })).filter((one) => one.version !== ''),
    git: git !== undefined,
    memory: availableMemory(),
    places: checked,
    registry,
    installer: existsSync('/usr/bin/apt-get')
      ? 'apt'
      : existsSync('/usr/bin/dnf')
        ? 'dnf'
        : process.platform === 'darwin'
          ? 'brew'
          : 'other',
    root,
    namespaces,
  };
}

/**
 * Under `npm run` the version is known without starting npm once more.
 * @param {Readonly<Record<string, string | undefined>>} variables
 */
async function npmVersion(variables) {
  const agent = /^npm\/([\d.]+)/.exec(variables.npm_config_user_agent || '');
  return agent ? agent[1] : await output('npm', ['--version']);
}

/**
 * Requested through npm, so that its own settings (registry, proxy, certificates) apply. An HTTP error counts as a response.
 * @param {boolean} needed
 * @returns {Promise<Registry>}
 */
async function probeRegistry(needed) {
  if (!needed) return { needed: false };
  return await new Promise((resolve) => {
    const args = ['ping', '--fetch-retries=0', '--fetch-timeout=1500', '--loglevel=error'];
    execFile('npm', args, { timeout: 4000 }, (error, _, stderr) => {
      const [, code = ''] = /npm (?:error|ERR!) code (\w+)/.exec(stderr) || [];
      if (!error || /^E\d{3}$/.test(code)) resolve({ needed: true, reachable: true });
      else resolve({ needed: true, reachable: false, reason: code || 'no response within 4 s' });
    });
  });
}

/**
 * Root needs no user namespace for the others. AppArmor lets programs with a profile of their own make one, so its setting is
 * only reported where bubblewrap is refused, too.
 * @param {boolean} root
 * @returns {Promise<Namespaces>}
 */
async function tryNamespaces(root) {
  const trial = ['--ro-bind', '/', '/', '--unshare-pid', ...(root ? [] : ['--unshare-user']), 'true'];
  const [made, isolated] = await Promise.all([
    output('unshare', root ? ['--mount', '--pid', '--fork', 'true'] : ['--user', '--mount', 'true']),
    output('bwrap', trial),
  ]);
  if (made !== undefined || isolated !== undefined) return 'allowed';
  const setting = (/** @type {string} */ key) => {
    try {
      return readFileSync(`/proc/sys/${key}`, 'utf8').trim();
    } catch {
      return '';
    }
  };
  if (setting('user/max_user_namespaces') === '0') return 'max';
  if (!root && setting('kernel/unprivileged_userns_clone') === '0') return 'clone';
  if (!root && setting('kernel/apparmor_restrict_unprivileged_userns') === '1') return 'apparmor';
  return 'refused';
}

/**
 * The first existing parent folder of a path that may not exist yet.
 * @param {{ name: string, path: string, needed: number }} location
 * @returns {Promise<Location>}
 */
async function look(location) {
  let folder = location.path;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  let writable = true;
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    writable = false;
  }
  if (!fs.statfs) return { ...location, writable };
  const { bavail, bsize } = await fs.statfs(folder);
  return { ...location, writable, free: bavail * bsize };
}

/** What is free on the machine, or what the container may still take. */
function availableMemory() {
  const read = (/** @type {string} */ path) => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return '';
    }
  };
  const available = /^MemAvailable:\s+(\d+) kB/m.exec(read('/proc/meminfo'));
  const free = available ? Number(available[1]) * 1024 : freemem();
  const limit = Number(read('/sys/fs/cgroup/memory.max').trim() || Infinity);
  const used = Number(read('/sys/fs/cgroup/memory.current').trim() || 0);
  return Number.isFinite(limit) ? Math.min(free, limit - used) : free;
}

/** A program prints its version quickly; at load 15 a Python took more than 4 s, and was reported as missing. */
const ANSWER_WITHIN_MS = 30000;

/**
 * What a program prints, or undefined when it is not there or fails.
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {Promise<string | undefined>}
 */
async function output(command, args) {
  return await new Promise((resolve) => {
    execFile(command, [...args], { timeout: ANSWER_WITHIN_MS }, (error, stdout) => {
      resolve(error ? undefined : stdout.trim());
    });
  });
}
