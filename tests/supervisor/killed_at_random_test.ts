import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { process as processes } from "../../mod.ts";
import type { Child } from "../harness/child.ts";
import { bothRuntimes } from "../harness/runtime.ts";
import { type Acquired, onStage, type SupervisedStage } from "../harness/supervised.ts";

const CLIENTS = 4;
const ROUNDS = 24;

/** Numbers from 0 to below 1 that a seed gives in the same order each time. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A client, and the handles that it holds. */
interface Player {
  child: Child;
  handles: number[];
}

async function join(stage: SupervisedStage, number: number): Promise<Player> {
  return { child: await stage.client(undefined, { runtime: bothRuntimes[number % 2] }), handles: [] };
}

/** What is killed by force in a round: the client, its service, or the supervisor of all. */
async function play(stage: SupervisedStage, player: Player, number: number, dice: number): Promise<Player> {
  if (dice < 0.45 || player.handles.length === 0) {
    const { handle, pid } = await player.child.call<Acquired>("acquire", { timeoutMs: 60_000 });
    player.handles.push(handle);
    assert.ok(pid > 0);
  } else if (dice < 0.6) {
    await player.child.call("release", player.handles.pop());
  } else if (dice < 0.8) {
    await player.child.kill();
    return await join(stage, number);
  } else {
    const record = stage.record();
    const victim = dice < 0.9 ? record?.info : record?.supervisor;
    if (victim !== undefined && processes.isAlive(victim)) processes.kill(victim);
  }
  return player;
}

test("clients, services and supervisors are killed at random: every acquire is served, and nothing is left", async () => {
  const seed = Number(process.env.PROCREF_CHAOS_SEED ?? Date.now() % 2 ** 31);
  const random = randomFrom(seed);
  try {
    await onStage(async (stage) => {
      const players = await Promise.all(Array.from({ length: CLIENTS }, (_, number) => join(stage, number)));
      for (let round = 0; round < ROUNDS; round++) {
        // Two of them at one time.
        const first = Math.floor(random() * CLIENTS);
        const second = (first + 1 + Math.floor(random() * (CLIENTS - 1))) % CLIENTS;
        const moves = [first, second].map((number) => [number, random()] as const);
        await Promise.all(moves.map(async ([number, dice]) => {
          players[number] = await play(stage, players[number], number, dice);
        }));
        assert.ok(stage.running().length <= 1, "there are never two");
      }
      // Where supervisor and last client are killed at once, it is the next client that clears up.
      const last = await join(stage, ROUNDS);
      await last.child.call("acquire", { timeoutMs: 60_000 });
      for (const { child } of [...players, last]) await child.kill();
      await stage.assertNothingLeft(30_000);
    });
  } catch (cause) {
    throw new Error(`with PROCREF_CHAOS_SEED=${seed}: ${(cause as Error).message}`, { cause });
  }
});
