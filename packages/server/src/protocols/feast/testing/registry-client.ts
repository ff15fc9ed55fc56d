/** Test fixture: a registry client that uses protocol buffers like the Feast client. */
import { credentials, Metadata, makeGenericClientConstructor, type ServiceError } from '@grpc/grpc-js';
import { bytesField, messageOf, numberField, type ProtobufField } from '#lib/formats/protobuf-writer.ts';

export interface RegistryClient {
  call(method: string, request?: Uint8Array, metadata?: Readonly<Record<string, string>>): Promise<Buffer>;
  close(): void;
}

const SERVICE = 'feast.registry.RegistryServer';

export function registryClient(address: string): RegistryClient {
  const Client = makeGenericClientConstructor({}, SERVICE);
  const client = new Client(address, credentials.createInsecure());
  const same = (bytes: Uint8Array) => Buffer.from(bytes);
  return {
    call: async (method, request = new Uint8Array(), metadata = {}) => {
      const sent = new Metadata();
      for (const [name, value] of Object.entries(metadata)) sent.set(name, value);
      const path = method.startsWith('/') ? method : `/${SERVICE}/${method}`;
      return await new Promise<Buffer>((resolve, reject) => {
        client.makeUnaryRequest(path, same, same, request, sent, (error: ServiceError | null, answer?: Buffer) => {
          if (error === null && answer !== undefined) resolve(answer);
          else reject(error);
        });
      });
    },
    close: () => client.close(),
  };
}

const INT64 = 4;
const FLOAT = 6;

/** Encodes an `Entity` with its spec. */
export function entityBytes(name: string, joinKey: string, ...more: readonly ProtobufField[]): Buffer {
  return messageOf(
    bytesField(1, messageOf(bytesField(1, name), numberField(2, INT64), bytesField(4, joinKey), ...more)),
  );
}

/** Encodes a `DataSource` of type file. */
export function fileSource(name: string, ...more: readonly ProtobufField[]): Buffer {
  const options = messageOf(bytesField(2, `data/${name}.parquet`));
  return messageOf(
    numberField(1, 1),
    bytesField(3, 'event_timestamp'),
    bytesField(5, 'created'),
    bytesField(11, options),
    bytesField(20, name),
    ...more,
  );
}

const feature = (name: string, type: number) => messageOf(bytesField(1, name), numberField(2, type));

/** Encodes a `FeatureView` with one entity and one feature. */
export function viewBytes(name: string, source: Buffer, ...more: readonly ProtobufField[]): Buffer {
  const spec = messageOf(
    bytesField(1, name),
    bytesField(3, 'driver'),
    bytesField(4, feature('conv_rate', FLOAT)),
    bytesField(6, messageOf(numberField(1, 86_400))),
    bytesField(7, source),
    numberField(8, 1),
    bytesField(12, feature('driver_id', INT64)),
    ...more,
  );
  return messageOf(bytesField(1, spec));
}

export function serviceBytes(name: string, view: string): Buffer {
  const projection = messageOf(bytesField(1, view), bytesField(2, feature('conv_rate', FLOAT)));
  return messageOf(bytesField(1, messageOf(bytesField(1, name), bytesField(3, projection))));
}

/** Encodes a request that applies an object. */
export function applying(object: Uint8Array, project: string): Buffer {
  return messageOf(bytesField(1, object), bytesField(2, project));
}

/** Encodes the same for a view of the given field. */
export function applyingView(view: Uint8Array, project: string, field = 1): Buffer {
  return messageOf(bytesField(field, view), bytesField(4, project));
}

export function named(name: string, project: string): Buffer {
  return messageOf(bytesField(1, name), bytesField(2, project));
}

export function ofProject(project: string): Buffer {
  return messageOf(bytesField(1, project));
}
