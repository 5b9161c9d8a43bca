/**
 * Listening to signals by the runtime.
 *
 * @module
 */

import { node } from "../../ffi/node.ts";
import type { AskingSignal } from "./process_system.ts";

/**
 * Tells a listener of each of these signals, and keeps the runtime from what it does at them.
 *
 * @returns ends it
 */
export function listenTo(signals: readonly AskingSignal[], listener: (signal: AskingSignal) => void): () => void {
  const handlers = signals.map((signal) => [signal, (): void => listener(signal)] as const);
  for (const [signal, handler] of handlers) node.process.on(signal, handler);
  return () => {
    for (const [signal, handler] of handlers) node.process.off(signal, handler);
  };
}
