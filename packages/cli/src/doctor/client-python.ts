/** Inspects the Python environment of a training: its packages, and whether it reaches the server. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram, type ProgramOptions } from '#processes.ts';

const PATIENCE_MS = 60_000;

export interface PythonFacts {
  readonly executable: string;
  readonly version: string;
  /** Versions of the requested packages, by name. */
  readonly installed: Readonly<Record<string, string>>;
  readonly mlflowCredentials: boolean;
  readonly netrc: boolean;
  /** Absent when no server was named. */
  readonly call?: PythonCall;
}

/** Result of a request to the server, sent like MLflow's clients do. */
export interface PythonCall {
  readonly error?: { readonly kind: 'name' | 'refused' | 'timeout' | 'tls' | 'proxy' | 'other'; readonly text: string };
  readonly status?: number;
  /** The `Date` header. */
  readonly date?: string | null;
  /** Milliseconds since 1970 by this Python's clock, in the middle of the request. */
  readonly now?: number;
  /** The code of an MLflow error body, if there is one. */
  readonly errorCode?: string | null;
  /** Whether the response is from Dais or MLflow. */
  readonly isTracking?: boolean;
}

/** Why there are no facts: text for a person. */
export interface NoPython {
  readonly reason: string;
}

/** The interpreter: `python3`, its path, or a folder with a virtual environment. */
export function pythonProgram(given: string | undefined): string {
  if (given === undefined) return 'python3';
  try {
    return statSync(given).isDirectory() ? join(given, 'bin', 'python') : given;
  } catch {
    return given;
  }
}

export async function inspectPython(
  program: string,
  question: { readonly url: string | undefined; readonly packages: readonly string[] },
  variables: ProgramOptions['variables'],
): Promise<PythonFacts | NoPython> {
  const { url, packages } = question;
  const { code, stdout, stderr } = await runProgram(program, ['-I', '-c', SCRIPT, ...packages], {
    // Not an argument: a URL may contain a password, and other users can see arguments.
    variables: { ...variables, DAIS_DOCTOR_URL: url },
    timeoutMs: PATIENCE_MS,
  });
  if (code === 127) return { reason: `${program} cannot be started: ${stderr.trim()}` };
  // Startup code of this Python can print too: our output is the last line.
  const line = stdout.trim().split('\n').at(-1) ?? '';
  if (code !== 0 || !line.startsWith('{')) {
    return { reason: `${program} does not run: ${stderr.trim().split('\n').at(-1) ?? ''}` };
  }
  return JSON.parse(line) as PythonFacts;
}

/**
 * Python from 3.8 on. It runs isolated (-I): it imports neither from the working folder nor from PYTHONPATH, so that no
 * code of the user runs; installed packages are read from their metadata. The request uses `requests` where the
 * environment has it, as MLflow does: proxies, certificates and ~/.netrc apply as for MLflow.
 */
const SCRIPT = String.raw`
import json, os, site, sys, time
from importlib import metadata

names = sys.argv[1:]
user_site = site.getusersitepackages() if sys.prefix == sys.base_prefix and not os.environ.get("PYTHONNOUSERSITE") else ""
path = [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) + [user_site] + sys.path if p]

def version(name):
    for one in metadata.distributions(name=name, path=path):
        return one.version

def has_credentials():
    import configparser
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(os.path.expanduser("~/.mlflow/credentials"))
        section = parser["mlflow"]
    except Exception:
        return False
    return all(section.get("mlflow_tracking_" + key) for key in ("username", "password"))

def has_netrc(url):
    import netrc
    from urllib.parse import urlsplit
    file = os.environ.get("NETRC") or next(
        (f for f in map(os.path.expanduser, ("~/.netrc", "~/_netrc")) if os.path.exists(f)), None)
    try:
        return netrc.netrc(file).authenticators(urlsplit(url).hostname) is not None if file else False
    except Exception:
        return False

def kind_of(error):
    import socket, ssl
    seen, chain = set(), [error]
    names = []
    while chain:
        one = chain.pop()
        if one is None or id(one) in seen or not isinstance(one, BaseException):
            continue
        seen.add(id(one))
        names.append(type(one).__name__)
        if isinstance(one, ssl.SSLError): return "tls"
        if isinstance(one, socket.gaierror): return "proxy" if "ProxyError" in names else "name"
        if "ProxyError" in names: return "proxy"
        if isinstance(one, ConnectionRefusedError): return "refused"
        if isinstance(one, TimeoutError) or "Timeout" in type(one).__name__: return "timeout"
        chain += [one.__cause__, one.__context__, getattr(one, "reason", None)] + list(one.args)
    return "other"

def headers():
    import base64, configparser
    user, password = (os.environ.get("MLFLOW_TRACKING_" + key) for key in ("USERNAME", "PASSWORD"))
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(os.path.expanduser("~/.mlflow/credentials"))
        section = parser["mlflow"]
        user = user or section.get("mlflow_tracking_username")
        password = password or section.get("mlflow_tracking_password")
    except Exception:
        pass
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    if user and password:
        return {"Authorization": "Basic " + base64.b64encode((user + ":" + password).encode()).decode()}
    return {"Authorization": "Bearer " + token} if token else {}

def get(url):
    insecure = os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in ("true", "1")
    authority = os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH")
    if user_site:
        sys.path.append(user_site)
    try:
        import requests
    except ImportError:
        requests = None
    if requests:
        cert = os.environ.get("MLFLOW_TRACKING_CLIENT_CERT_PATH")
        answer = requests.get(url, headers=headers(), timeout=15, verify=False if insecure else authority or True, cert=cert)
        return answer.status_code, answer.headers.get("date"), answer.text[:2000]
    import ssl, urllib.error, urllib.request
    context = ssl.create_default_context(cafile=authority or None)
    if insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    request = urllib.request.Request(url, headers=headers())
    try:
        with urllib.request.urlopen(request, timeout=15, context=context) as answer:
            return answer.status, answer.headers.get("date"), answer.read(2000).decode("utf-8", "replace")
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers.get("date"), refused.read(2000).decode("utf-8", "replace")

def call(url):
    address = url.rstrip("/") + "/api/2.0/mlflow/experiments/get-by-name?experiment_name=Default"
    before = time.time()
    try:
        status, date, text = get(address)
    except Exception as error:
        return {"error": {"kind": kind_of(error), "text": type(error).__name__}}
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    body = body if isinstance(body, dict) else {}
    return {"status": status, "date": date, "now": (before + time.time()) * 500,
            "errorCode": body.get("error_code"), "isTracking": "error_code" in body or "experiment" in body}

url = os.environ.get("DAIS_DOCTOR_URL")
facts = {
    "executable": sys.executable,
    "version": "%d.%d.%d" % sys.version_info[:3],
    "installed": {name: found for name in names for found in [version(name)] if found},
    "mlflowCredentials": has_credentials(),
    "netrc": bool(url) and has_netrc(url),
}
if url:
    facts["call"] = call(url)
print()
print(json.dumps(facts))
`;
