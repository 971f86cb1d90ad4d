import type { ViewMessage } from "../../src/protocol/chat";

/** Something for the host. Bubbles to the view, which is the only one that talks to it. */
export class TellEvent extends Event {
  static readonly type = "hearth-tell";

  constructor(readonly message: ViewMessage) {
    super(TellEvent.type, { bubbles: true });
  }
}

/** Something that a screen reader is to say, as it is not where the cursor is. */
export class SayEvent extends Event {
  static readonly type = "hearth-say";

  constructor(readonly sentences: readonly string[]) {
    super(SayEvent.type, { bubbles: true });
  }
}

/** The text of the input is now another one. */
export class TypedEvent extends Event {
  static readonly type = "hearth-typed";

  constructor(readonly text: string) {
    super(TypedEvent.type, { bubbles: true });
  }
}

/** The text of the input is to be sent, if it can be. */
export class SendEvent extends Event {
  static readonly type = "hearth-send";

  constructor() {
    super(SendEvent.type, { bubbles: true });
  }
}

export function tell(from: Element, message: ViewMessage): void {
  from.dispatchEvent(new TellEvent(message));
}

export function say(from: Element, ...sentences: readonly string[]): void {
  if (sentences.length > 0) {
    from.dispatchEvent(new SayEvent(sentences));
  }
}
