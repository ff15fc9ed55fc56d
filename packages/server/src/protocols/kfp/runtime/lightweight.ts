/**
 * Lightweight Python components. The SDK generates a command of a fixed form for them: a script that installs packages, a
 * script that starts the executor of the SDK, and the source. Dais recognizes the form and runs it without either script.
 */

interface PipNeeds {
  readonly requirements: readonly string[];
  /** Packages that are installed without dependencies: the SDK itself. */
  readonly bare: readonly string[];
  readonly indexes: readonly string[];
}

interface Lightweight extends PipNeeds {
  readonly source: string;
}

const LAUNCH =
  'program_path=$(mktemp -d) printf "%s" "$0" > "$program_path/ephemeral_component.py" ' +
  '_KFP_RUNTIME=true python3 -m kfp.dsl.executor_main --component_module_path "$program_path/ephemeral_component.py" "$@"';

/** Parses the command. Undefined: it has another form and runs unchanged. */
export function lightweightOf(command: readonly string[]): Lightweight | undefined {
  const [shell, flag, install, other, strict, launch, source] = command;
  if (shell !== 'sh' || flag !== '-c' || install === undefined || command.length !== 7) return undefined;
  if (other !== 'sh' || strict !== '-ec' || launch === undefined || source === undefined) return undefined;
  if (launch.trim().replaceAll(/\s+/g, ' ') !== LAUNCH) return undefined;
  const needs = pipNeeds(install);
  return needs === undefined ? undefined : { ...needs, source };
}

/** Parses the install script. Undefined: it has an unknown form. */
function pipNeeds(script: string): PipNeeds | undefined {
  if (!/"\$0" "\$@"\s*$/.test(script)) return undefined;
  const requirements: string[] = [];
  const bare: string[] = [];
  const indexes: string[] = [];
  const calls = [...script.matchAll(/python3 -m pip install((?:\s+(?:'[^']*'|(?!&&|\|\|)[^\s'()]+))*)/g)];
  if (calls.length === 0) return undefined;
  for (const [, rest = ''] of calls) {
    const elements = [...rest.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
    const packages: string[] = [];
    let isBare = false;
    for (let at = 0; at < elements.length; at++) {
      const element = elements[at]!;
      if (element === '--no-deps') isBare = true;
      else if (element === '--index-url' || element === '--extra-index-url') indexes.push(elements[++at] ?? '');
      else if (element === '--trusted-host') at += 1;
      else if (['--quiet', '--no-warn-script-location', '--user', '--upgrade'].includes(element)) continue;
      else if (element.startsWith('-')) return undefined;
      else packages.push(element);
    }
    (isBare ? bare : requirements).push(...packages);
  }
  return { requirements: unique(requirements), bare: unique(bare), indexes: unique(indexes) };
}

function unique(elements: readonly string[]): readonly string[] {
  return [...new Set(elements)];
}
