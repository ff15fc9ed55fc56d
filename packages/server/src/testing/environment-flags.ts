/** Passes the settings for Python environments to a Dais that is started without the variables of this machine. */
import { uv, uvEnvironment } from '../../../../tools/uv.mjs';

export async function environmentFlags(): Promise<Readonly<Record<string, string>>> {
  const { SSL_CERT_FILE, UV_DEFAULT_INDEX } = await uvEnvironment();
  return {
    'environments.uv': await uv(),
    ...(UV_DEFAULT_INDEX !== undefined && { 'environments.index': UV_DEFAULT_INDEX }),
    ...(SSL_CERT_FILE !== undefined && { 'outbound.extraCa': SSL_CERT_FILE }),
  };
}
