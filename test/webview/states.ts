import type { AnswerTurn, Attachment, ChatViewState, ChatTurn, UserTurn } from "../../src/protocol/chat";

/** What the host may have to show. */

const NOW = Date.now();
const HOUR_MS = 3_600_000;

export const EDITOR: Attachment = { id: "editor", kind: "editor", label: "src/cart.ts", tokens: 412, leftOutTokens: 0 };
export const SELECTION: Attachment = {
  id: "s1",
  kind: "selection",
  label: "src/checkout/discounts.ts:10-240",
  tokens: 1830,
  leftOutTokens: 640,
};
export const PROBLEMS: Attachment = { id: "p", kind: "problems", label: "Problems", tokens: 58, leftOutTokens: 0 };

export const EMPTY: ChatViewState = {
  model: { kind: "ready", title: "SmallThinker 4B", decodeTps: 14.2 },
  conversation: { id: "c1", title: "", turns: [], forgottenTurns: 0 },
  conversations: [],
  draft: "",
  attachments: [],
  context: { usedTokens: 0, limitTokens: 8192 },
};

export const CODE_ANSWER = `\`total\` adds up every line, but it **rounds each price** before it multiplies. With three items at 0.335 the error is a whole cent.

Round once, at the end:

\`\`\`ts
/** In cents, rounded once. */
export function total(lines: readonly Line[]): number {
  let sum = 0;
  for (const { price, count } of lines) {
    sum += price * count; // no rounding here
  }
  return Math.round(sum * 100) / 100;
}
\`\`\`

Two more things that I noticed:

- \`applyDiscount\` mutates its argument, so calling it twice takes the discount off twice.
- Nothing checks that \`count\` is a whole number. See [the note on numbers](https://developer.mozilla.org/docs/Web/JavaScript/Guide).

| Input | Before | After |
|---|--:|--:|
| 3 × 0.335 | 1.02 | 1.01 |
| 7 × 1.005 | 7.07 | 7.04 |
`;

export const EXPLANATION = `# What \`Scheduler\` does

It decides **who computes next**. One thread evaluates, a layer at a time, always what is most urgent.

## The three queues

1. *Interactive*: completions that somebody waits for. See \`Scheduler::Next\`.
2. *Chat*: answers, one token at a time.
   - A chat is interrupted between layers.
   - It goes on where it stopped.
3. *Warm-up*: documents that are read ahead.

> A cancel is a flag that is looked at between layers and between groups of experts.

### How a job ends

\`\`\`cpp
// Whoever waits is told, once.
template <typename T>
bool Job<T>::Finish(Status status) {
  std::lock_guard lock(mutex_);
  if (std::exchange(done_, true)) return false;
  callback_(status.ok() ? "done" : status.message(), 42);
  return true;
}
\`\`\`

\`\`\`sh
cmake --build --preset dev && ctest --preset dev -R scheduler_test
\`\`\`

---

Not covered: ~~threads~~ memory, which \`PlanMemory\` decides.
`;

export function user(id: number, text: string, attachments: readonly Attachment[] = []): UserTurn {
  return { kind: "user", id, text, attachments };
}

export function answer(id: number, text: string, state: AnswerTurn["state"] = { kind: "done" }): AnswerTurn {
  return {
    kind: "answer",
    id,
    text,
    state,
    ...(state.kind === "waiting" || state.kind === "running"
      ? {}
      : { statistics: { promptTokens: 1204, reusedTokens: 980, generatedTokens: 312, decodeTps: 14.2 } }),
  };
}

export function withTurns(turns: readonly ChatTurn[], over: Partial<ChatViewState> = {}): ChatViewState {
  const title = turns[0]?.kind === "user" ? turns[0].text : "";
  return {
    ...EMPTY,
    conversation: { id: "c1", title, turns, forgottenTurns: 0 },
    conversations: [
      { id: "c1", title, updatedMs: NOW, turns: turns.length },
      { id: "c2", title: "Write tests for the parser of dates", updatedMs: NOW - 2 * HOUR_MS, turns: 6 },
      { id: "c3", title: "Explain useDeferredValue", updatedMs: NOW - 75 * HOUR_MS, turns: 2 },
    ],
    context: { usedTokens: 1516, limitTokens: 8192 },
    ...over,
  };
}

export const CONVERSATION = withTurns(
  [
    user(1, "Why is the total of the cart off by a cent?", [EDITOR]),
    answer(2, CODE_ANSWER),
    user(3, "/tests for total"),
    answer(4, "Here are three cases, the last of which fails today."),
  ],
  { attachments: [EDITOR, SELECTION] },
);
