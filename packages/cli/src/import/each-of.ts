/** Does something for each of many things, so many of them at once. */
export async function eachOf<T>(
  items: AsyncIterable<T>,
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.asyncIterator]();
  // One at a time asks for the next.
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
