interface Restriction {
  readonly selector: string;
  readonly message: string;
}
export const BARE_MESSAGES: readonly Restriction[];
export const BARE_VIEW_TEXTS: readonly Restriction[];
export const bareNumbers: object;
