/**
 * Restarts of a training from a checkpoint: TensorBoard discards what was logged before a restart at its step or later,
 * because the training repeats these steps.
 */
const MOST_RESTARTS = 100_000;

export class Restarts {
  readonly #orders: number[] = [];
  #steps: number[] = [];
  #next = 0;

  add(order: number, step: number): void {
    // The first event of a training that did not start before.
    if (order <= 1 || this.#orders.length >= MOST_RESTARTS) return;
    this.#orders.push(order);
    this.#steps.push(step);
  }

  get isEmpty(): boolean {
    return this.#orders.length === 0;
  }

  /** Makes each entry the smallest step of this restart and all later ones. */
  complete(): void {
    for (let at = this.#steps.length - 2; at >= 0; at--) {
      this.#steps[at] = Math.min(this.#steps[at]!, this.#steps[at + 1]!);
    }
  }

  /** Call it with events in their order. */
  discards({ order, step }: { readonly order: number; readonly step: number }): boolean {
    if (this.#next > 0 && (this.#orders[this.#next - 1] ?? 0) > order) this.#next = 0;
    while (this.#next < this.#orders.length && this.#orders[this.#next]! <= order) this.#next += 1;
    const from = this.#steps[this.#next];
    return from !== undefined && step >= from;
  }
}
