/** Who waits for a turn, in the order in which they have it; of each, what waits, in its order. */
const waiting = new Map<object, (() => void)[]>();

/**
 * A turn of the event loop for others, then the next slice of one's own work. One slice runs a turn, whoever asks, and the
 * owners take turns: a window that asks for much at a time waits for itself, and messages of others come in between.
 */
export function turnOf(owner: object): Promise<void> {
  return new Promise((resolve) => {
    const own = waiting.get(owner);
    if (own !== undefined) {
      own.push(resolve);
      return;
    }
    if (waiting.size === 0) {
      setImmediate(takeTurn);
    }
    waiting.set(owner, [resolve]);
  });
}

function takeTurn(): void {
  const [first] = waiting;
  if (first === undefined) {
    return;
  }
  const [owner, own] = first;
  const resume = own.shift();
  waiting.delete(owner);
  if (own.length > 0) {
    waiting.set(owner, own);
  }
  if (waiting.size > 0) {
    setImmediate(takeTurn);
  }
  resume?.();
}
