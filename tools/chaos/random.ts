/**
 * Random numbers that a seed reproduces: Mulberry32 by Tommy Ettinger (public domain,
 * https://gist.github.com/tommyettinger/46a874533244883189143505d203312c). 32 bits of state, one step an addition and
 * three multiplications: good enough to draw plans, and the same in every runtime.
 */

/** Draws from one stream. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to, and without, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 up to, and without, the limit. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** A time whose order of magnitude is random: short ones are as likely as long ones. */
  time(fromMs: number, toMs: number): number {
    return Math.round(fromMs * (toMs / fromMs) ** this.next() * 10) / 10;
  }

  /** One of the words, each as often as its weight says. */
  weighted<T extends string>(weights: Readonly<Record<T, number>>): T {
    const entries = Object.entries<number>(weights) as [T, number][];
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [word, weight] of entries) if ((left -= weight) < 0) return word;
    return entries[0][0];
  }

  /** A stream of its own, for one of many. */
  fork(index: number): Random {
    const child = new Random(this.#state ^ Math.imul(index + 1, 0x9e3779b1));
    child.next();
    return child;
  }
}
