import assert from "node:assert/strict";
import { test } from "node:test";
import { type ErrorCode, ProcrefError, SharedService } from "../../mod.ts";
import { type Failover, ServiceGroup } from "../../src/group/mod.ts";
import { type ServiceEntry, ServiceRegistry } from "../../src/registry/mod.ts";
import { FileSemaphore, type Pruned } from "../../src/semaphore/mod.ts";
import { tell } from "../../src/service/events.ts";

/** Is compiled when the two types are one. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : never;

function isOf<Expected>(): <Found>(_found: Found, _same: Same<Found, Expected>) => void {
  return () => {};
}

test("the detail of each event has its type where it is listened for", () => {
  const service = new SharedService("x", { command: "true" });
  const codes: ErrorCode[] = [];
  const told = ({ detail }: CustomEvent<ProcrefError>): unknown => codes.push(detail.code);
  service.addEventListener("warning", told);
  service.addEventListener("warning", (event) => isOf<ProcrefError>()(event.detail, true));
  service.addEventListener("lost", { handleEvent: (event) => void codes.push(event.detail.code) }, { once: true });
  service.addEventListener("restart", (event) => isOf<number | undefined>()(event.detail.port, true));
  // @ts-expect-error: what is restarted has no such fact
  service.addEventListener("restart", (event) => event.detail.code);
  service.addEventListener("else", (event: Event) => codes.push(event.type as ErrorCode));

  tell(service, "warning", new ProcrefError("IO", "no"));
  tell(service, "lost", new ProcrefError("SERVICE_LOST", "no"));
  tell(service, "lost", new ProcrefError("SERVICE_LOST", "once is enough"));
  service.dispatchEvent(new Event("else"));
  service.removeEventListener("warning", told);
  tell(service, "warning", new ProcrefError("IO", "nobody listens"));
  assert.deepEqual(codes, ["IO", "SERVICE_LOST", "else"]);
});

test("a group and a semaphore have types for their events as well", () => {
  using registry = new ServiceRegistry("x");
  const group = new ServiceGroup(registry, { serviceName: "x", executable: "true" });
  const heard: string[] = [];
  group.addEventListener("failover", ({ detail }) => {
    isOf<Failover<ServiceEntry>>()(detail, true);
    heard.push(detail.primary.name);
  });
  group.dispatchEvent(new CustomEvent("failover", { detail: { primary: { name: "x.1" } } }));
  using semaphore = new FileSemaphore("unused", 1);
  semaphore.addEventListener("prune", ({ detail }) => {
    isOf<Pruned>()(detail, true);
    heard.push(detail.id);
  });
  semaphore.dispatchEvent(new CustomEvent("prune", { detail: { id: "theirs" } }));
  assert.deepEqual(heard, ["x.1", "theirs"]);
});

test("what a warning carries is always an error of ours", () => {
  const service = new SharedService("x", { command: "true" });
  const heard: ProcrefError[] = [];
  service.addEventListener("warning", ({ detail }) => heard.push(detail));
  const cause = new TypeError("is not a function");
  tell(service, "warning", cause);
  assert.deepEqual([heard[0].code, heard[0].message, heard[0].cause], ["OTHER", cause.message, cause]);
});
