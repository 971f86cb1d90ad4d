/** Servers of models on other machines, as far as a window sets one up; src/endpoint is behind it. */
export interface EndpointsPort {
  /** Names of the models that a server has. Errors: EngineError. */
  models(endpoint: string, key: string | undefined): Promise<readonly string[]>;
  /** That this editor's windows use an endpoint, or none any more, for whoever asks what leaves the machine. */
  note(use: { readonly origin: string; readonly model: string } | undefined): Promise<void>;
}
