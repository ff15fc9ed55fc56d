import { DaisError } from '@dais/api/errors';

export function notServing(): DaisError {
  const detail = 'No model is served yet. The gateway starts with the first Endpoint; create one with `dais deploy`.';
  return new DaisError('model_unavailable', detail, { retryAfter: 1 });
}

export function gatewayEnded(cause?: unknown): DaisError {
  return new DaisError('model_unavailable', 'The gateway ended while it processed the request. Retry it.', {
    cause,
    retryAfter: 1,
  });
}
