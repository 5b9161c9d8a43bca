/**
 * How often to ask about processes while waiting.
 *
 * @module
 */

import type { Pace } from "../waiting.ts";
import { processSystem } from "./platform.ts";

/** The pace of a wait that asks the system about processes each time: the usual one, unless asking is dear. */
export function pace(): Pace {
  const { askEveryMs = 0 } = processSystem();
  return askEveryMs === 0 ? {} : { firstPauseMs: askEveryMs, longestPauseMs: askEveryMs };
}
