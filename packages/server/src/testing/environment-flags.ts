/** How a Dais that is started without variables of this machine gets what environments of Python are made with. */
import { uv, uvEnvironment } from '../../../../tools/uv.mjs';

export async function environmentFlags(): Promise<Readonly<Record<string, string>>> {
  const { SSL_CERT_FILE, UV_DEFAULT_INDEX } = await uvEnvironment();
  return {
    'environments.uv': await uv(),
    ...(UV_DEFAULT_INDEX !== undefined && { 'environments.index': UV_DEFAULT_INDEX }),
    ...(SSL_CERT_FILE !== undefined && { 'outbound.extraCa': SSL_CERT_FILE }),
  };
}
