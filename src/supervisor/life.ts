/**
 * One life of a service: from its start to its end.
 *
 * @module
 */

import type { ServiceInfo } from "../service/service_info.ts";

/** How a service came to its end, as the end of a sentence: "it ended with status 1". */
export interface End {
  readonly why: string;
  /** The exit status; 128 and the number of the signal that ended it. */
  readonly exitCode: number | undefined;
}

/** A service that runs. */
export interface Life {
  /** What clients are told of it. */
  readonly info: ServiceInfo;
  /** Resolves when it has ended by itself. */
  readonly ended: Promise<End>;
  /** Stops it, and resolves once it is gone. */
  stop(): Promise<void>;
}

/** What is told of a start, so that whoever waits does other things meanwhile. */
export interface Progress {
  /** The system is at work: the process has been started, or something else is waited for. */
  begun(): void;
  /** It takes more than a moment. */
  waits(): void;
}

/** What brings a service to life, again and again. */
export interface LifeSource {
  /**
   * Starts the service and resolves once it is ready. When the signal aborts or it does not become ready, nothing of
   * it is left when this rejects.
   *
   * @param lastPort the port of its last life, which clients may still know: it is tried before others
   * @param progress is told how far it is
   * @throws ProcrefError `SERVICE_START`; the reason of an aborted signal
   */
  begin(signal: AbortSignal, lastPort: number | undefined, progress: Progress): Promise<Life>;
}
