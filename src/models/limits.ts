/** How patient and how greedy downloads are: every limit in one place, so that tests need not wait. */
export interface DownloadLimits {
  /** Milliseconds until the head of an answer. */
  readonly answerMs: number;
  /** A body of which fewer than `stallBytes` have come in so many milliseconds has stalled. */
  readonly stallMs: number;
  readonly stallBytes: number;
  /** Requests at a time. */
  readonly parallel: number;
  /** Bytes that one request asks for. */
  readonly pieceBytes: number;
  /** Failures in a row, with less than `progressBytes` between them, after which a download gives up. */
  readonly failuresMax: number;
  readonly progressBytes: number;
  /** Milliseconds before the next try: doubled with each failure in a row, up to the second. */
  readonly backOffMs: number;
  readonly backOffMaxMs: number;
  /** Longest time that a server may ask to wait. */
  readonly waitMaxMs: number;
  /** Hops of a redirect. */
  readonly hopsMax: number;
  /** Milliseconds between two saves of what is done. */
  readonly saveMs: number;
  /** Bytes that stay free on the drive. */
  readonly reserveBytes: number;
}

export const DOWNLOAD_LIMITS: DownloadLimits = {
  answerMs: 15_000,
  stallMs: 30_000,
  stallBytes: 4096,
  parallel: 4,
  pieceBytes: 32 * 2 ** 20,
  failuresMax: 8,
  progressBytes: 256 * 1024,
  backOffMs: 1000,
  backOffMaxMs: 30_000,
  waitMaxMs: 10 * 60_000,
  hopsMax: 8,
  saveMs: 2000,
  reserveBytes: 2 ** 30,
};
