/** Compares installed clients with the tested versions. Pure functions. */
import type { TestedClient } from '#clients/tested-clients.ts';
import { ok, problem, skipped, warning, type Finding } from '#doctor/finding.ts';
import { isAtLeast } from '#doctor/programs.ts';

/** `installed`: versions by name. At least one client is required; otherwise nothing would connect to Dais. */
export function checkClientVersions(
  clients: readonly TestedClient[],
  installed: Readonly<Record<string, string>>,
  python: string,
): Finding[] {
  const findings = clients.flatMap((client) => {
    const name = [client.name, ...(client.also ?? [])].find((one) => installed[one] !== undefined);
    return name === undefined ? [] : [versionFinding(client, name, installed[name] ?? '', python)];
  });
  if (findings.length > 0) return findings;
  const first = clients[0];
  return [
    problem(
      'clients',
      `none of ${clients.map(({ name }) => name).join(', ')} is installed for ${python}`,
      `${installing(first, first?.name, python)}, or name another Python with --python.`,
    ),
  ];
}

function versionFinding(client: TestedClient, name: string, version: string, python: string): Finding {
  const [oldest, newest] = [client.versions[0], client.versions.at(-1)];
  if (oldest === undefined || newest === undefined) {
    return skipped(name, `${version} is not supported yet`);
  }
  const install = installing(client, name, python);
  if (!isAtLeast(version, lineOf(oldest))) {
    return warning(name, `${version} is older than ${oldest}, the oldest tested version`, install);
  }
  const line = lineOf(version).join('.');
  if (client.versions.some((tested) => lineOf(tested).join('.') === line)) {
    return ok(name, `${version}; ${line} is tested with Dais`);
  }
  if (isAtLeast(version, lineOf(newest))) {
    return warning(
      name,
      `${version} is newer than ${newest}, the newest version tested with this release`,
      `Most features will work. Otherwise: ${install}, or upgrade Dais.`,
    );
  }
  return ok(name, `${version}; ${oldest} to ${newest} are tested with Dais`);
}

/** `[3, 18]` of `3.18.0`: releases of one minor version use the same protocol. */
function lineOf(version: string): readonly number[] {
  return version
    .split('.')
    .slice(0, 2)
    .map((part) => Number.parseInt(part, 10));
}

/** The newest tested release, or an older tested one when the index lacks it. */
function installing(client: TestedClient | undefined, name: string | undefined, python: string): string {
  const [major = 0, minor = 0] = lineOf(client?.versions.at(-1) ?? '0.0');
  return `${python} -m pip install --upgrade '${name}<${major}.${minor + 1}'`;
}
