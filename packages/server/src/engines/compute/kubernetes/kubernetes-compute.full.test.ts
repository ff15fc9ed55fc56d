/** The suite of compute engines with real pods on a real node. */
import { computeSuite } from '../suite.ts';
import { openPodEngine } from './pod-engine.testing.ts';

computeSuite('kubernetes', async () => {
  const pods = await openPodEngine();
  return { compute: pods.engine.compute, isolation: 'required', end: async () => await pods.end() };
});
