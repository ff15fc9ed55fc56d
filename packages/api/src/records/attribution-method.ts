/** Methods and subjects of attributions. A separate file, because pages that show none load it. */
import { z } from 'zod';

export const attributionMethodSchema = z
  .enum(['tree_shap', 'exact', 'sampled_shapley'])
  .describe(
    '`tree_shap`: interventional, exact; `exact`: all coalitions; `sampled_shapley`: antithetic pairs of orders.',
  );
export const attributionScaleSchema = z
  .enum(['margin', 'output'])
  .describe('`margin`: the sum of the trees, before the link function; `output`: the output of the model.');
