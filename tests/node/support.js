// The server that the tests talk to, and how they wait.

import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";

const PATIENCE_MS = 20_000;
const STEP_MS = 5;

// `with-server` says where the server is.
export const host = "127.0.0.1";
export const port = Number(process.env.SKEP_TEST_PORT);
assert.ok(port > 0, "SKEP_TEST_PORT is not set: run this through with-server");

// Waits until `condition` returns something true, and returns that.
export async function eventually(condition, what) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const seen = await condition();
    if (seen) return seen;
    assert.ok(Date.now() < deadline, `waited in vain for ${what}; last seen: ${seen}`);
    await delay(STEP_MS);
  }
}
