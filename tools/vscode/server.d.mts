// The types of server.mjs, for tests that use it.
export interface ServerOptions {
  readonly version: string;
  /** Everything that the server writes lies below it; its name must be short. */
  readonly folder: string;
  readonly extensions?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly withToken?: boolean;
  readonly driver?: boolean;
  readonly port?: number;
  readonly onSpawn?: (stop: () => Promise<void>) => void;
}

export interface Server {
  readonly origin: string;
  readonly host: string;
  readonly token: string | undefined;
  readonly logFile: string;
  log(): string;
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

export function startServer(options: ServerOptions): Promise<Server>;
export function installVsix(version: string, extensions: string, vsix: string): Promise<void>;
export function workbenchUrl(server: Server, folder: string, payload?: readonly (readonly [string, string])[]): string;
export function remoteUri(server: Server, file: string): string;
