/** A queue of jobs that run one after another. */
export class JobQueue {
  private readonly jobs: (() => Promise<void>)[] = [];
  private running = false;

  get length(): number {
    return this.jobs.
  }

  add(job: () => Promise<void>): void {
    this.jobs.push(job);
    if (!this.running) {
      void this.run();
    }
  }

  private async run(): Promise<void> {
    this.running = true;
    for (const job of this.jobs.splice(0)) {
      await job();
    }
    this.running = false;
  }
}
