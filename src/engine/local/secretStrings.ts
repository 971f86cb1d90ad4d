/** Keys and tokens of known services, and the frame of a private key. */
const KNOWN =
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[oprsu]_\w{20}|\bgithub_pat_\w{20}|\bxox[abeoprs]-\w|\bsk-\w{20}|\bglpat-|-----BEGIN [A-Z ]*PRIVATE KEY/;
const LONG_RUN = /[A-Za-z0-9+/=]{20,}/g;
/** Between letters and digits in a run: names have few, random text of 20 characters mostly more. */
const CHANGES_MIN = 6;
const CHANGE = /(?<=[A-Za-z])[0-9]|(?<=[0-9])[A-Za-z]/g;

/** A text that may hold a password, key or token: none of it is to be remembered. */
export function looksLikeSecret(text: string): boolean {
  if (text.length < 10) {
    return false;
  }
  const runs = text.match(LONG_RUN) ?? [];
  return runs.some((run) => (run.match(CHANGE)?.length ?? 0) >= CHANGES_MIN) || KNOWN.test(text);
}
