/**
 * The Open Inference Protocol over gRPC: `inference.GRPCInferenceService`, and the additional calls of Triton's
 * clients.
 */
import { DaisError } from '@dais/api/errors';
import type {
  InferResponse,
  OpenedRequest,
  GrpcMetadataRoute,
  GrpcRoute,
  ServedDescription,
  ServedView,
  ServingGrpcProtocol,
} from '#gateway/index.ts';
import { ProtobufReader } from '#lib/formats/protobuf-reader.ts';
import { readMessage, readGrpcRequest, type GrpcRequest } from './grpc-request.ts';
import {
  indexMessage,
  inferResponse,
  modelMetadataMessage,
  serverMetadata,
  statisticsMessage,
  streamed,
  booleanField,
} from './grpc-response.ts';
import { EXTENSIONS, isReady, modelMetadata, modelStatistics, repositoryIndex, variantOf } from './metadata.ts';
import { modelParameters, timeoutMicros } from './own-parameters.ts';

const SERVICE = '/inference.GRPCInferenceService/';

export function grpcProtocol(): ServingGrpcProtocol {
  const methods: Record<string, GrpcRoute> = {
    ServerLive: answered('health', () => booleanField(true), true),
    ServerReady: answered('health', ({ ready }) => booleanField(ready), true),
    ServerMetadata: answered(
      'serverMetadata',
      ({ server }) => serverMetadata(server.name, server.version, EXTENSIONS),
      true,
    ),
    ModelReady: answered('modelReady', (served, message) => {
      const { variant } = findVariant(served, message);
      return booleanField(served.ready && isReady(variant));
    }),
    ModelMetadata: answered('modelMetadata', async (served, message) => {
      const { found, variant } = findVariant(served, message);
      return modelMetadataMessage(await modelMetadata(found, variant));
    }),
    ModelStatistics: answered('statistics', (served, message) => {
      const { name, version } = address(message);
      const models = name === '' ? served.endpoints() : [served.endpoint({ endpoint: name })];
      return statisticsMessage(
        models.flatMap((model) =>
          model.variants
            .filter((variant) => version === '' || variant === variantOf(model, version))
            .map((variant) => modelStatistics(model, variant)),
        ),
      );
    }),
    RepositoryIndex: answered('repository', (served, message) =>
      indexMessage(repositoryIndex(served, readyOnly(message))),
    ),
    RepositoryModelLoad: answered('repository', byPolicy),
    RepositoryModelUnload: answered('repository', byPolicy),
    ModelInfer: { kind: 'infer', operation: 'infer', open },
    ModelStreamInfer: { kind: 'infer', operation: 'infer', open, stream: streamed },
  };
  return {
    name: 'open-inference-grpc',
    methods: Object.fromEntries(Object.entries(methods).map(([name, method]) => [SERVICE + name, method])),
  };
}

function open(message: Buffer): {
  readonly address: { readonly endpoint: string; readonly version: string };
  readonly opened: OpenedRequest<Uint8Array>;
} {
  const request = readGrpcRequest(message);
  return { address: request, opened: new OpenedRpc(request) };
}

class OpenedRpc implements OpenedRequest<Uint8Array> {
  readonly #request: GrpcRequest;

  constructor(request: GrpcRequest) {
    this.#request = request;
  }

  get id(): string | undefined {
    return this.#request.id === '' ? undefined : this.#request.id;
  }

  get parameters(): GrpcRequest['parameters'] {
    return this.#request.parameters;
  }

  get timeoutMicros(): number | undefined {
    return timeoutMicros(this.#request.parameters);
  }

  decode(_described: ServedDescription): ReturnType<OpenedRequest<Uint8Array>['decode']> {
    const { inputs, outputs, parameters } = this.#request;
    return { inputs, outputs, parameters: modelParameters(parameters) };
  }

  encode(answer: InferResponse): Uint8Array {
    return inferResponse(answer, this.#request);
  }
}

function findVariant(served: ServedView, message: Buffer) {
  const { name, version } = address(message);
  const found = served.endpoint({ endpoint: name });
  const variant = variantOf(found, version);
  if (variant !== undefined) return { found, variant };
  throw new DaisError(
    'not_found',
    `The model "${name}" has no version "${version}". Available versions: ${found.versions.join(', ')}.`,
  );
}

/** `{name = 1, version = 2}` of several requests. */
function address(message: Buffer): { readonly name: string; readonly version: string } {
  const reader = new ProtobufReader(message);
  let name = '';
  let version = '';
  readMessage(() => {
    while (reader.next()) {
      if (reader.field === 1) name = reader.text();
      else if (reader.field === 2) version = reader.text();
      else reader.skip();
    }
  });
  return { name, version };
}

/** `RepositoryIndexRequest.ready` */
function readyOnly(message: Buffer): boolean {
  const reader = new ProtobufReader(message);
  let ready = false;
  readMessage(() => {
    while (reader.next()) {
      if (reader.field === 2) ready = reader.int32() !== 0;
      else reader.skip();
    }
  });
  return ready;
}

function byPolicy(): never {
  throw new DaisError(
    'forbidden',
    'The platform loads the models of an Endpoint. Change them with `dais deploy` or `dais apply`.',
  );
}

function answered(operation: string, answer: GrpcMetadataRoute['answer'], isOpen = false): GrpcMetadataRoute {
  return { kind: 'answer', operation, ...(isOpen && { open: true as const }), answer };
}
