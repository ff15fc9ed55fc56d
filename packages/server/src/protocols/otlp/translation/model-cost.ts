/** Costs of calls of language models, at the public prices of their providers. */
import { calcPrice } from '@pydantic/genai-prices';

interface ModelCall {
  readonly model: string;
  readonly provider: string | undefined;
  /** Numbers of tokens, by MLflow's names. The input includes cached tokens. */
  readonly usage: Readonly<Record<string, unknown>>;
  /** Prices change. */
  readonly at: Date;
}

/** In US dollars, by MLflow's names. */
type Cost = Readonly<Record<'input_cost' | 'output_cost' | 'total_cost', number>>;

/** Addresses of models at a gateway, which have no public price. */
const ROUTES = /^(?:gateway|endpoints):\//;
/** Longer names are no names of models, and the library compares each with many patterns. */
const LONGEST_NAME = 256;

/** Returns undefined for a model without a known price, and for a call without tokens. */
export function costOf({ model, provider, usage, at }: ModelCall): Cost | undefined {
  if (model === '' || model.length > LONGEST_NAME || ROUTES.test(model)) return undefined;
  const tokens = (name: string) => {
    const value = usage[name];
    return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0;
  };
  const [input, output] = [tokens('input_tokens'), tokens('output_tokens')];
  const [read, written] = [tokens('cache_read_input_tokens'), tokens('cache_creation_input_tokens')];
  if (input === 0 && output === 0) return undefined;
  const counts = {
    // Some libraries count cached tokens separately.
    input_tokens: Math.max(input, read + written),
    output_tokens: output,
    ...(read > 0 && { cache_read_tokens: read }),
    ...(written > 0 && { cache_write_tokens: written }),
  };
  for (const [name, owner] of namesOf(model, provider)) {
    const price = priceOf(counts, name, owner, at);
    if (price !== undefined) return price;
  }
  return undefined;
}

/** The model at its provider; then at any provider; then, for `openai/gpt-4o`, at the provider in its name. */
function* namesOf(model: string, provider: string | undefined): Iterable<readonly [string, string | undefined]> {
  if (provider !== undefined && provider !== '') yield [model, provider.toLowerCase()];
  yield [model, undefined];
  const slash = model.indexOf('/');
  if (slash > 0) yield [model.slice(slash + 1), model.slice(0, slash).toLowerCase()];
}

function priceOf(
  counts: Readonly<Record<string, number>>,
  model: string,
  providerId: string | undefined,
  timestamp: Date,
): Cost | undefined {
  let price: ReturnType<typeof calcPrice>;
  try {
    price = calcPrice(counts, model, { timestamp, ...(providerId !== undefined && { providerId }) });
  } catch {
    // The model has no price for one of these counts.
    return undefined;
  }
  if (price === null) return undefined;
  const { input_price: input, output_price: output } = price;
  const total = input + output;
  return Number.isFinite(total) ? { input_cost: input, output_cost: output, total_cost: total } : undefined;
}
