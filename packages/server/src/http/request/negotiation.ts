import { DaisError } from '@dais/api';

/** Fails unless the Accept header allows `type` (RFC 9110 §12.5.1). @throws DaisError `not_acceptable`. */
export function negotiate(accept: string | undefined, type: 'application/json' | 'text/event-stream'): void {
  // The value of almost every client, handled without parsing.
  if (accept === undefined || accept === '*/*' || accept === type) return;
  if (accepts(accept, type)) return;
  const hint =
    type === 'application/json' && accepts(accept, 'text/event-stream') ? ' To get a stream, add `watch=true`.' : '';
  throw new DaisError(
    'not_acceptable',
    `This route responds with ${type}, which the Accept header "${accept.slice(0, 200)}" excludes.${hint}`,
  );
}

/** `exactly`: only if the type itself is listed, as browsers do for pages; other clients mostly accept anything. */
export function accepts(accept: string, type: string, { exactly = false } = {}): boolean {
  const [main] = type.split('/');
  const ranges = accept.split(',').map((part) => {
    const [range = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    return { range, weight: weight === undefined ? 1 : Number(weight) };
  });
  // The most specific range decides: `application/json;q=0, */*` accepts anything but JSON.
  const named = ranges.find(({ range }) => range === type);
  if (exactly) return named !== undefined && named.weight > 0;
  const decisive =
    named ?? ranges.find(({ range }) => range === `${main}/*`) ?? ranges.find(({ range }) => range === '*/*');
  return decisive !== undefined && decisive.weight > 0;
}
