// node-redis, in RESP2 and in RESP3.

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { createClient, WatchError } from "redis";
import { eventually, host, port } from "./support.js";

async function connect(options) {
  const client = createClient({ socket: { host, port }, ...options });
  client.on("error", () => {});
  return client.connect();
}

for (const RESP of [2, 3]) {
  describe(`RESP${RESP}`, () => {
    let client;
    let other;

    before(async () => {
      client = await connect({ RESP });
      other = await connect({ RESP });
    });
    beforeEach(async () => assert.equal(await client.flushAll(), "OK"));
    after(() => {
      client.destroy();
      other.destroy();
    });

    test("values and missing keys are told apart", async () => {
      assert.equal(await client.set("key", "wert ☃"), "OK");
      assert.equal(await client.get("key"), "wert ☃");
      assert.equal(await client.get("missing"), null);
      assert.deepEqual(await client.mGet(["key", "missing"]), ["wert ☃", null]);
    });

    test("options of SET are obeyed", async () => {
      const condition = { condition: "NX" };
      assert.equal(await client.set("key", "a", { expiration: { type: "EX", value: 900 } }), "OK");
      assert.equal(await client.set("key", "b", condition), null);
      const left = await client.ttl("key");
      assert.ok(left > 0 && left <= 900, `${left}`);
    });

    test("commands sent at once are answered in order", async () => {
      const numbers = Array.from({ length: 1000 }, (_, at) => at);
      await Promise.all(numbers.map((at) => client.set(`key:${at}`, String(at))));
      const values = await Promise.all(numbers.map((at) => client.get(`key:${at}`)));
      assert.deepEqual(values, numbers.map(String));
    });

    test("a transaction is executed whole", async () => {
      const replies = await client.multi().incr("count").incr("count").get("count").exec();
      assert.deepEqual(replies, [1, 2, "2"]);
    });

    test("a watched key that changed aborts the transaction", async () => {
      await client.set("key", "1");
      await client.watch("key");
      await other.set("key", "2");
      await assert.rejects(client.multi().set("key", "3").exec(), WatchError);
      assert.equal(await client.get("key"), "2");
    });

    test("channels, patterns and shard channels receive what is published", async () => {
      const subscriber = await connect({ RESP });
      const seen = [];
      const keep = (text, channel) => seen.push([channel, text]);
      await subscriber.subscribe("news", keep);
      await subscriber.pSubscribe("spo*", keep);
      await subscriber.sSubscribe("shard", keep);
      assert.equal(await client.publish("news", "hello"), 1);
      assert.equal(await client.publish("sport", "goal"), 1);
      assert.equal(await client.sPublish("shard", "bit"), 1);
      await eventually(() => seen.length === 3, "three messages");
      assert.deepEqual(seen.sort(), [["news", "hello"], ["shard", "bit"], ["sport", "goal"]]);
      subscriber.destroy();
    });

    test("a scan finds every key once", async () => {
      const names = Array.from({ length: 500 }, (_, at) => `key:${at}`);
      await client.mSet(names.flatMap((name) => [[name, "1"]]));
      const found = [];
      for await (const keys of client.scanIterator({ MATCH: "key:*", COUNT: 50 })) {
        found.push(...keys);
      }
      assert.deepEqual(found.sort(), names.sort());
    });

    test("a client that was killed reconnects and goes on", async () => {
      const socket = { host, port, reconnectStrategy: () => 10 };
      const victim = await connect({ RESP, socket });
      const id = await victim.clientId();
      assert.equal(await client.clientKill({ filter: "ID", id }), 1);
      const back = () => victim.clientId().catch(() => id);
      await eventually(async () => (await back()) !== id, "another connection");
      assert.equal(await victim.ping(), "PONG");
      victim.destroy();
    });
  });
}
