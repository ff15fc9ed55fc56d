/** Dispatches to one engine for packages and another one for images. */
import type { Environments, EnvironmentSpec } from './contract.ts';

export function environmentsByType(packages: Environments, images: Environments): Environments {
  const of = ({ type }: Pick<EnvironmentSpec, 'type'>) => (type === 'image' ? images : packages);
  return {
    problem: async (type) => await of({ type }).problem(type),
    lock: async (spec, options) => await of(spec).lock(spec, options),
    build: async (lock, options) => await of(lock.spec).build(lock, options),
    list: async () => [...(await packages.list()), ...(await images.list())],
    evict: async (keepBytes) => {
      const freed = await images.evict(keepBytes);
      const left = (await images.list()).reduce((sum, { bytes }) => sum + bytes, 0);
      return freed + (await packages.evict(Math.max(0, keepBytes - left)));
    },
  };
}
