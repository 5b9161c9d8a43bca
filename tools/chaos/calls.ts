/** What the run and its clients say to each other. */

/** One service, the same for all clients of a round. */
export interface ServiceConfiguration {
  readonly name: string;
  /** The state directory. */
  readonly state: string;
  /** The round's directory. */
  readonly round: string;
  readonly mode: "supervised" | "callback";
  readonly ready: "running" | "log";
  readonly lingerMs: number;
  /** Whether there is no such program. */
  readonly isMissing: boolean;
}

export interface Call {
  readonly id: number;
  readonly call: string;
  readonly argument?: ServiceConfiguration;
}

/** What a holder sees of its service. */
export interface Seen {
  readonly pid: number | undefined;
  /** When that process started, in clock ticks. */
  readonly ticks: string | undefined;
  readonly alive: boolean;
  /** Whether the process belongs to this round's service. */
  readonly theirs: boolean;
  /** Whether the handle has been told that the service is lost. */
  readonly lost: boolean;
  /** When it looked, in milliseconds of the clock. */
  readonly checkedAt: number;
}

export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}

/** A call that a client refused. */
export class CallError extends Error {
  readonly code: string;

  constructor({ code, message }: { readonly code: string; readonly message: string }) {
    super(message);
    this.code = code;
  }
}
