/** Work that is tried again when it fails, with a wait that doubles. */
export interface Task<T> {
  readonly name: string;
  run(attempt: number): Promise<T>;
}

interface Waiting<T> {
  readonly task: Task<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

export class RetryQueue<T> {
  private readonly waiting: Waiting<T>[] = [];
  private running = 0;

  constructor(
    private readonly maxRunning: number,
    private readonly maxAttempts: number,
  ) {}

  add(task: Task<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ task, resolve, reject });
      this.startNext();
    });
  }

  private startNext(): void {
    while (this.running < this.maxRunning && this.waiting.length > 0) {
      const next = this.waiting.shift();
      if (next === undefined) {
        return;
      }
      this.running += 1;
      this.run(next)
        .then(next.resolve, next.reject)
        .finally(() => {
          this.running -= 1;
          this.startNext();
        });
    }
  }

  private async run({ task }: Waiting<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await task.run(attempt);
      } catch (error) {
        if (attempt >= this.maxAttempts) {
          throw error;
        }
        await sleep(100 * 2 ** attempt);
      }
    }
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
