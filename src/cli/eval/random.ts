/** Numbers that depend on the seed and the name of what they are for, by 32-bit integer arithmetic alone. */
export class Random {
  #state: number;

  constructor(seed: number, ...names: readonly string[]) {
    // FNV-1a over the UTF-16 units; a seed beyond 32 bits counts too.
    const text = [String(seed), ...names].join("\0");
    let hash = 0x811c9dc5;
    for (let i = 0; i < text.length; ++i) {
      hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    }
    this.#state = hash;
  }

  /** Uniform in [0, 1): a Weyl sequence through the finaliser of MurmurHash3 (Austin Appleby, public domain). */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  }

  /** Uniform whole number from `min` to `max`, both included. */
  whole(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }
}
