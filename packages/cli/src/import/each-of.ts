/** Runs a function for each item with limited concurrency. */
export async function eachOf<T>(
  items: AsyncIterable<T>,
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.asyncIterator]();
  // Only one worker at a time advances the iterator.
  let pending: Promise<unknown> = Promise.resolve();
  const next = async () => {
    const answer = pending.then(async () => await iterator.next());
    pending = answer.catch(() => {});
    return await answer;
  };
  const worker = async () => {
    for (let item = await next(); item.done !== true; item = await next()) await work(item.value);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
