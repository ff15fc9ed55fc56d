import type { featureViewSpec } from '@dais/api/data';
import type { z } from 'zod';

/** A FeatureView as `featureView.get` tells it, as far as the doors look at it. */
export interface KnownView {
  readonly spec: z.input<typeof featureViewSpec>;
}
