/** Named objects as objects of a bucket of Google Cloud Storage, below a prefix of their own. */
import type { NamedObjects, ObjectFamily } from '../contract.ts';
import { namedPrefix } from '../object-keys.ts';
import { ServiceNamedObjects } from '../object-named-objects.ts';
import type { GcsBlobStoreOptions } from './gcs-access.ts';
import { GcsService } from './gcs-blob-store.ts';

/** Opens the store; nothing is sent before the first call. Names are `<prefix><family>/<name>`. */
export function openGcsNamedObjects(options: GcsBlobStoreOptions, family: ObjectFamily): NamedObjects {
  return new ServiceNamedObjects(new GcsService(options), namedPrefix(options.prefix, family));
}
