export const FOLDER: string;
export function messagesInCode(): Map<string, string[]>;
export const OF_VIEW: string;
export function viewText(messages: ReadonlyMap<string, readonly string[]>): string;
export function bundleText(messages: ReadonlyMap<string, unknown>): string;
export function languages(): string[];
export function translationOf(language: string): Record<string, string>;
