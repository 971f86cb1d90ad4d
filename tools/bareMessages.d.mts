export const BARE_MESSAGES: readonly { readonly selector: string; readonly message: string }[];
