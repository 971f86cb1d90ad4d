/**
 * Shows an input at once and does meanwhile what it needs later: keys that follow a command belong to the input, and go to
 * the editor until it is there. Closes it where one of these gives undefined, or fails: that has been told then.
 * @param open shows the input, until it is answered or `closing` resolves
 * Errors: those of `needs`.
 */
export async function boxFirst<T extends readonly unknown[]>(
  open: (closing: Promise<void>) => Promise<string | undefined>,
  ...needs: { readonly [K in keyof T]: Promise<T[K] | undefined> }
): Promise<{ readonly answer: string; readonly needed: T } | undefined> {
  let close = (): void => undefined;
  const closing = new Promise<void>((resolve) => {
    close = resolve;
  });
  const all: Promise<readonly unknown[]> = Promise.all(
    needs.map(async (need) => {
      let isThere = false;
      try {
        const value: unknown = await need;
        isThere = value !== undefined;
        return value;
      } finally {
        if (!isThere) {
          close();
        }
      }
    }),
  );
  // Whoever closes the input does not wait for the rest.
  all.catch(() => undefined);
  const answer = await open(closing);
  if (answer === undefined) {
    // Where it was closed by a failure, that is to be told.
    await Promise.race([all, Promise.resolve()]);
    return undefined;
  }
  const needed = await all;
  return needed.includes(undefined) ? undefined : { answer, needed: needed as unknown as T };
}
