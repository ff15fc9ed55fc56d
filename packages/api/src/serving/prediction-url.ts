/** URLs for predictions of an endpoint: at the gateway, which serves them without the rest of Dais. */
import type { EndpointContract } from '#records/rollout.ts';

export type PredictionProtocol = 'open-inference' | 'mlflow' | 'kserve-v1';

const PATHS: Readonly<Record<PredictionProtocol, (endpoint: string) => string>> = {
  'open-inference': (endpoint) => `/v2/models/${endpoint}/infer`,
  mlflow: (endpoint) => `/endpoints/${endpoint}/invocations`,
  'kserve-v1': (endpoint) => `/v1/models/${endpoint}:predict`,
};

/** `serverUrl`: the URL by which the caller reaches Dais. Without a configured URL, the gateway is on the same host. */
export function predictionUrl(
  { endpoint, url, port, secure, gatewayUrl }: EndpointLocation,
  serverUrl: string,
  protocol: PredictionProtocol,
): string {
  const project = url.slice(0, url.indexOf('/v2/models/'));
  const base = gatewayUrl ?? (port === undefined ? serverUrl : atPort(serverUrl, port, secure));
  return `${base.replace(/\/+$/, '')}${project}${PATHS[protocol](encodeURIComponent(endpoint))}`;
}

export type EndpointLocation = Pick<EndpointContract, 'endpoint' | 'url' | 'port' | 'secure' | 'gatewayUrl'>;

function atPort(serverUrl: string, port: number, secure: boolean): string {
  const host = /^https?:\/\/(\[[^\]]+\]|[^:/?#]+)/i.exec(serverUrl)?.[1] ?? '127.0.0.1';
  return `${secure ? 'https' : 'http'}://${host}:${port}`;
}
