interface DocumentVersion {
  readonly documentId: string;
  readonly version: number;
}

/**
 * The request that Hearth has the editor make when the model is ready only after somebody has typed. The editor makes it
 * as if a person had asked, so the request has to be told from those: by the document and its version.
 */
export class CatchUp {
  #expected: DocumentVersion | undefined;

  /** The editor is asked to make the request; returns what is to be called once it has done so. */
  expect(documentId: string, version: number): () => void {
    const expected = { documentId, version };
    this.#expected = expected;
    return () => {
      if (this.#expected === expected) {
        this.#expected = undefined;
      }
    };
  }

  /** Whether this request, made as if by hand, is the expected one; it is expected once. */
  take(documentId: string, version: number): boolean {
    if (this.#expected?.documentId !== documentId || this.#expected.version !== version) {
      return false;
    }
    this.#expected = undefined;
    return true;
  }
}
