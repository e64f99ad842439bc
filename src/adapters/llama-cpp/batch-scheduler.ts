/** Work that occupies one slot, advanced one step at a time together with all other running work. */
export interface BatchTask<Slot> {
  /** Advances by one step; true when the work is finished. */
  step(slot: Slot): Promise<boolean>;
}

/** Why a scheduler did not take a task. */
export class TaskRefused extends Error {
  override readonly name = 'TaskRefused';
  readonly reason: 'queue_full' | 'closed';

  constructor(reason: 'queue_full' | 'closed') {
    super(reason);
    this.reason = reason;
  }
}

interface Job<Slot> {
  readonly task: BatchTask<Slot>;
  readonly signal: AbortSignal;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
  /** Takes the job out of the queue. */
  readonly withdraw: () => void;
}

interface SchedulerOptions<Slot> {
  readonly slots: readonly Slot[];
  /** Tasks that may wait for a slot. */
  readonly maxWaiting: number;
  /** Makes a slot ready for the next task. */
  readonly clear: (slot: Slot) => Promise<void>;
}

/**
 * Continuous batching: all running tasks step together, and between two steps
 * finished tasks leave their slot and waiting tasks (first come, first served)
 * take it. A failed or aborted task never touches the others.
 */
export class BatchScheduler<Slot> {
  readonly #free: Slot[];
  readonly #waiting: Job<Slot>[] = [];
  readonly #running = new Map<Job<Slot>, Slot>();
  readonly #maxWaiting: number;
  readonly #clear: (slot: Slot) => Promise<void>;
  #turning: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: SchedulerOptions<Slot>) {
    this.#free = [...options.slots];
    this.#maxWaiting = options.maxWaiting;
    this.#clear = options.clear;
  }

  /** Tasks that hold a slot. */
  get running(): number {
    return this.#running.size;
  }

  /** Tasks that wait for a slot. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Queues a task and settles when it is finished and its slot is free again.
   * Rejects with `TaskRefused`, with what a step threw, or with the signal's reason:
   * at once while waiting, after the step in progress while running.
   */
  run(task: BatchTask<Slot>, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) {
        throw new TaskRefused('closed');
      }
      signal.throwIfAborted();
      if (this.#waiting.length >= this.#maxWaiting + this.#free.length) {
        throw new TaskRefused('queue_full');
      }
      const job: Job<Slot> = {
        task,
        signal,
        resolve,
        reject,
        withdraw: () => this.#dequeue(this.#waiting.indexOf(job))?.reject(signal.reason),
      };
      this.#waiting.push(job);
      signal.addEventListener('abort', job.withdraw);
      this.#turning ??= this.#turn();
    });
  }

  /** Refuses what waits and what comes later; settles when what runs has finished. */
  async close(): Promise<void> {
    this.#isClosed = true;
    while (this.#waiting.length > 0) {
      this.#dequeue(0)?.reject(new TaskRefused('closed'));
    }
    await this.#turning;
  }

  #dequeue(position: number): Job<Slot> | undefined {
    const [job] = this.#waiting.splice(position, 1);
    job?.signal.removeEventListener('abort', job.withdraw);
    return job;
  }

  async #turn(): Promise<void> {
    // Tasks that come in the same moment start in the same step.
    await Promise.resolve();
    while (this.#admit()) {
      await Promise.all([...this.#running].map(([job, slot]) => this.#advance(job, slot)));
    }
    this.#turning = undefined;
    if (this.#waiting.length > 0) {
      // No slot is left that could ever take them.
      await this.close();
    }
  }

  #admit(): boolean {
    for (const slot of this.#free.splice(0, this.#waiting.length)) {
      const job = this.#dequeue(0);
      if (job !== undefined) {
        this.#running.set(job, slot);
      }
    }
    return this.#running.size > 0;
  }

  async #advance(job: Job<Slot>, slot: Slot): Promise<void> {
    try {
      job.signal.throwIfAborted();
      if (await job.task.step(slot)) {
        await this.#release(job, slot);
        job.resolve();
      }
    } catch (error) {
      await this.#release(job, slot).catch(() => undefined);
      job.reject(error);
    }
  }

  async #release(job: Job<Slot>, slot: Slot): Promise<void> {
    // A slot that cannot be cleared is retired: reusing it would mix two requests.
    if (this.#running.delete(job)) {
      await this.#clear(slot);
      this.#free.push(slot);
    }
  }
}
