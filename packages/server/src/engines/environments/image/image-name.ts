/** Parses image names and their registry. */

export interface ImageName {
  /** Fully qualified, so that podman resolves no short name. */
  readonly name: string;
  /** Undefined: the image is local. */
  readonly registry: { readonly host: string; readonly port: number } | undefined;
}

const HOST = /^(?<host>[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(?<port>[0-9]{1,5}))?$/i;
const REST =
  /^[a-z0-9]+([._-]+[a-z0-9]+)*(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$/;

/** Returns undefined for an invalid image name. Short names are resolved like in Docker. */
export function readImageName(text: string): ImageName | undefined {
  const cut = text.indexOf('/');
  const first = cut === -1 ? '' : text.slice(0, cut);
  const isHost = first === 'localhost' || /[.:]/.test(first);
  const [host, rest] = isHost ? [first, text.slice(cut + 1)] : ['docker.io', cut === -1 ? `library/${text}` : text];
  const parts = HOST.exec(host)?.groups;
  if (parts === undefined || !REST.test(rest) || text.length > 512) return undefined;
  const name = `${host}/${rest}`;
  if (host === 'localhost') return { name, registry: undefined };
  const registryHost = host === 'docker.io' ? 'registry-1.docker.io' : (parts['host'] ?? host);
  return { name, registry: { host: registryHost.replace(/^\[|\]$/g, ''), port: Number(parts['port'] ?? 443) } };
}
