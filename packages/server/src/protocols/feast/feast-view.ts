import type { featureViewSpec } from '@dais/api/data';
import type { z } from 'zod';

/** A FeatureView of `featureView.get`, with the fields that the adapters read. */
export interface KnownView {
  readonly spec: z.input<typeof featureViewSpec>;
}
