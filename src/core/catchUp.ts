interface DocumentVersion {
  readonly documentId: string;
  readonly version: number;
}

/**
 * The request that Hearth triggers in the editor when the model becomes ready only after the user has typed. The editor
 * marks it as a manual request; the document and its version tell it from a real one.
 */
export class CatchUp {
  #expected: DocumentVersion | undefined;

  /** Call before triggering the request in the editor; call the returned function afterwards. */
  expect(documentId: string, version: number): () => void {
    const expected = { documentId, version };
    this.#expected = expected;
    return () => {
      if (this.#expected === expected) {
        this.#expected = undefined;
      }
    };
  }

  /** Whether this manual request is the expected one; it is expected once. */
  take(documentId: string, version: number): boolean {
    if (this.#expected?.documentId !== documentId || this.#expected.version !== version) {
      return false;
    }
    this.#expected = undefined;
    return true;
  }
}
