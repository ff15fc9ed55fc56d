/** Dais as users serve a model: `dais up` with one endpoint, which the gateway's port and the main port serve. */
import { servingClient, isServing } from '../../packages/server/src/testing/serving-client.ts';
import { startOwnServer, type OwnServer } from '../lib/own-server.ts';

export interface OwnServing extends OwnServer {
  /** The port that `http://127.0.0.1:7070` represents in the documentation. */
  readonly mainPort: number;
  /** Port of the gateway (7071 by default). */
  readonly port: number;
  readonly grpcPort: number;
}

/** Name of the model and of the endpoint. */
const NAME = 'm';

/** `bytes`: an ONNX model with one input `x` of this number of columns. Predictions are not captured, as peers capture none. */
export async function startOwnServing(
  folder: string,
  { bytes, columns, grpcPort }: { readonly bytes: Buffer; readonly columns: number; readonly grpcPort: number },
): Promise<OwnServing> {
  const server = await startOwnServer(folder, { 'ports.inference': 0, 'ports.inferenceGrpc': grpcPort });
  try {
    const client = servingClient(server.url, { authorization: `Bearer ${server.token}` });
    const version = await client.register(NAME, 1, { bytes, columns });
    const manifest = {
      apiVersion: 'dais.dev/v1',
      kind: 'Endpoint',
      metadata: { name: NAME },
      spec: { model: `models:/${NAME}/${version}`, capture: { policy: 'off' } },
    };
    const { status, body } = await client.call('POST', '/api/v1/endpoints', manifest);
    if (status >= 300) throw new Error(`The endpoint is not created: ${status} ${JSON.stringify(body)}`);
    await client.settled(NAME, isServing);
    const { port } = (await client.call('GET', `/api/v1/serving/endpoints/${NAME}/contract`)).body;
    if (port === undefined) throw new Error('The gateway has no port.');
    return { ...server, mainPort: Number(new URL(server.url).port), port, grpcPort };
  } catch (error) {
    await server.stop();
    throw error;
  }
}
