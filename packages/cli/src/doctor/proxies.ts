/** Checks proxy variables for common mistakes. Pure functions. */
import { ok, warning, type Finding } from '#doctor/finding.ts';

const NAMES = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'] as const;

type Variables = Readonly<Record<string, string | undefined>>;

export function checkProxies(variables: Variables): Finding[] {
  if (NAMES.every((name) => !variables[name])) return checkProxyAddresses(variables);
  const direct = (variables['NO_PROXY'] ?? variables['no_proxy'] ?? '').split(',').map((entry) => entry.trim());
  const named = direct.some((entry) => ['localhost', '127.0.0.1', '127.0.0.0/8', '*'].includes(entry));
  const addresses = checkProxyAddresses(variables);
  if (named) return addresses;
  return [
    ...addresses.filter((finding) => finding.state !== 'ok'),
    warning(
      'proxy',
      'NO_PROXY does not name localhost: other clients (pip, curl, mlflow) would ask the proxy for this machine',
      'export NO_PROXY=localhost,127.0.0.1,::1',
    ),
  ];
}

/** The URLs of proxies, without the request around them. */
export function checkProxyAddresses(variables: Variables): Finding[] {
  const given = NAMES.filter((name) => variables[name]);
  if (given.length === 0) return [ok('proxy', 'none is set')];
  const findings: Finding[] = [];
  for (const name of given) {
    const value = variables[name] ?? '';
    if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol)) {
      // The value can contain a password: it is not printed.
      findings.push(warning('proxy', `${name} is not an http:// address`, `Set it to http://HOST:PORT, or unset it.`));
    }
  }
  for (const [upper, lower] of [
    ['HTTPS_PROXY', 'https_proxy'],
    ['HTTP_PROXY', 'http_proxy'],
  ] as const) {
    if (variables[upper] && variables[lower] && variables[upper] !== variables[lower]) {
      findings.push(
        warning('proxy', `${upper} and ${lower} differ`, 'Programs disagree on which one counts: keep one.'),
      );
    }
  }
  return findings.length > 0 ? findings : [ok('proxy', given.join(', '))];
}
