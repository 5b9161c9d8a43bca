import assert from "node:assert/strict";
import { test } from "node:test";
import { isAlive, killGroup, stopGroup } from "../../src/process/mod.ts";
import { assertUntouched, becomesSleep, becomesZombie, freeze, Shell } from "../fixtures/shell.ts";
import { eventually } from "../harness/eventually.ts";
import { notOnWindows } from "../harness/platform.ts";

/** A leader with a child and a grandchild; `deaf` is put before what the grandchild does. */
function family(deaf = ""): string {
  return `sleep 300 & echo child $!
    sh -c '${deaf} sleep 300 & echo grandchild $!; echo middle $$; echo ready; wait' &
    wait`;
}

const FAMILY = `const grandchild = 'await sleep()';
  const middle = 'say("grandchild " + start(' + JSON.stringify(grandchild) + ')); say("ready"); await sleep()';
  say("child " + start("await sleep()")); say("middle " + start(middle)); await sleep()`;

async function startFamily(deaf?: string): Promise<Shell> {
  const shell = await Shell.start(family(deaf), FAMILY);
  assert.deepEqual([...shell.named.keys()].sort(), ["child", "grandchild", "middle"]);
  for (const pid of shell.all) assert.ok(isAlive(pid));
  return shell;
}

test("killGroup() ends a process with all that it has started", async () => {
  await using shell = await startFamily();
  assert.equal(killGroup(shell.identity), true);
  await eventually(() => shell.all.every((pid) => !isAlive(pid)), "all are gone");
});

test("stopGroup() asks all of a group to end", async () => {
  await using shell = await startFamily();
  assert.equal(await stopGroup(shell.identity, 20_000), "terminated");
  assert.deepEqual(shell.all.filter((pid) => isAlive(pid)), []);
});

test("stopGroup() ends by force who does not listen, also when the leader has followed at once", {
  skip: notOnWindows("tree"),
}, async () => {
  await using shell = await startFamily('trap "" TERM;');
  const stopping = stopGroup(shell.identity, 1000);
  await shell.exited();
  assert.ok(isAlive(shell.pidOf("grandchild")));
  assert.equal(await stopping, "killed");
  assert.deepEqual(shell.all.filter((pid) => isAlive(pid)), []);
});

test("a group whose leader is gone is not signalled: the number may be another group's", async () => {
  await using shell = await Shell.start(
    "sleep 300 & echo child $!; echo ready; read line",
    `say("child " + start("await sleep()", { away: true })); say("ready"); await read()`,
  );
  const { identity } = shell;
  await freeze(shell.pidOf("child"));
  shell.goOn();
  await shell.exited();
  assert.equal(killGroup(identity), false);
  assert.equal(await stopGroup(identity, 1000), "not-running");
  assertUntouched(shell.pidOf("child"));
});

test("a leader that is a zombie leads its group still", { skip: notOnWindows("zombies") }, async () => {
  // The leader's parent becomes a program that reaps nobody.
  await using shell = await Shell.start(`exec 3<&0
    setsid sh -c 'sleep 300 & echo child $!; echo leader $$; echo ready; read line <&3' &
    exec sleep 300`);
  await becomesSleep(shell.pid);
  const leader = shell.identityOf("leader");
  shell.goOn();
  await becomesZombie(leader.pid);
  assert.ok(isAlive(shell.pidOf("child")));
  assert.equal(killGroup(leader), true);
  await eventually(() => !isAlive(shell.pidOf("child")), "the child is gone");
  assert.ok(isAlive(shell.pid), "another group is left alone");
  assert.equal(await stopGroup(leader, 1000), "terminated", "there is nobody left who could be asked");
});

test("who leads no group is not taken for one who does", { skip: notOnWindows("tree") }, async () => {
  await using shell = await startFamily();
  const child = shell.identityOf("child");
  for (const pid of shell.all) await freeze(pid);
  assert.equal(killGroup(child), false);
  assert.equal(await stopGroup(child, 1000), "not-running");
  for (const pid of shell.all) assertUntouched(pid);
});
