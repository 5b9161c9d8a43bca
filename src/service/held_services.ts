/**
 * The services that this process holds, looked after once a second: one system call and one small file each. It is no
 * heartbeat, for nobody waits for it; it repairs what a stranger removed (the kernel object, the record).
 *
 * @module
 */

const INTERVAL_MS = 1000;

/** A service that is held. */
export interface HeldService {
  /** Repairs what a stranger has removed. */
  lookAfter(): void;
  /** Takes back the hint that this process holds the service. */
  withdrawHint(): void;
}

const held = new Set<HeldService>();
/** Those that have left a hint of who holds them. */
const hinted = new Set<HeldService>();
let timer: ReturnType<typeof setInterval> | undefined;

/** A service begins to be held. The timer that this may start does not keep the event loop alive. */
export function holdService(service: HeldService): void {
  held.add(service);
  if (timer !== undefined) return;
  timer = setInterval(lookAfterAll, INTERVAL_MS);
  timer.unref?.();
}

/** A service is no longer held. The timer ends by itself when it finds that none is. */
export function dropService(service: HeldService): void {
  held.delete(service);
}

/** A service that is held has left a hint, which is taken back some time after it is dropped. */
export function rememberHint(service: HeldService): void {
  hinted.add(service);
}

function lookAfterAll(): void {
  for (const service of held) service.lookAfter();
  for (const service of hinted) {
    if (held.has(service)) continue;
    hinted.delete(service);
    service.withdrawHint();
  }
  if (held.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}
