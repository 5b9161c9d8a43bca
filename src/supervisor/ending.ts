/**
 * What ends a service and what it has started. It is a module of its own so that clients need not wait until it is
 * loaded: see {@link ./command_service.ts}.
 *
 * @module
 */

export { endContained, stopContained } from "../process/contained.ts";
export { killGroup, stopGroup } from "../process/group.ts";
export { endMarked } from "../process/marks.ts";
export { pace } from "../process/pace.ts";
export { signalNumber } from "../process/signals.ts";
export { happens } from "../process/stop.ts";
