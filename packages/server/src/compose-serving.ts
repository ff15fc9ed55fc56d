/** The lists of what a gateway speaks; see compose.ts. */
import type { ServingDoor, ServingRpc } from '#gateway/index.ts';

export async function servingDoors(): Promise<readonly ServingDoor[]> {
  return await Promise.resolve([]);
}

export async function servingRpcs(): Promise<readonly ServingRpc[]> {
  return await Promise.resolve([]);
}
