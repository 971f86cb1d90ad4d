export declare function linkArgs(base: string | undefined): string[];
export declare function checkPortable(addon: string, libraries: readonly string[] | undefined): void;
