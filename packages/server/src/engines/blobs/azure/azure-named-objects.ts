/** Named objects as blobs of a container of Azure Blob Storage, below a prefix of their own. */
import type { NamedObjects, ObjectFamily } from '../contract.ts';
import { namedPrefix } from '../object-keys.ts';
import { ServiceNamedObjects } from '../object-named-objects.ts';
import type { AzureBlobStoreOptions } from './azure-access.ts';
import { AzureService } from './azure-blob-store.ts';

/** Opens the store; nothing is sent before the first call. Names are `<prefix><family>/<name>`. */
export function openAzureNamedObjects(options: AzureBlobStoreOptions, family: ObjectFamily): NamedObjects {
  return new ServiceNamedObjects(new AzureService(options), namedPrefix(options.prefix, family));
}
