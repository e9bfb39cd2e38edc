// ioredis: what it sends by itself (INFO until the server is ready), and what it is used for.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { Redis } from "ioredis";
import { eventually, host, port } from "./support.js";

let client;
let other;

before(async () => {
  client = new Redis({ host, port });
  other = new Redis({ host, port });
});
beforeEach(async () => assert.equal(await client.flushall(), "OK"));
after(() => {
  client.disconnect();
  other.disconnect();
});

test("the ready check passes, which reads INFO", async () => {
  const fresh = new Redis({ host, port, lazyConnect: true, enableReadyCheck: true });
  const events = [];
  for (const event of ["connect", "ready"]) fresh.on(event, () => events.push(event));
  await fresh.connect();
  assert.deepEqual(events, ["connect", "ready"]);
  assert.equal(fresh.status, "ready");
  fresh.disconnect();
});

test("values and missing keys are told apart", async () => {
  assert.equal(await client.set("key", "wert ☃"), "OK");
  assert.equal(await client.get("key"), "wert ☃");
  assert.equal(await client.get("missing"), null);
  assert.deepEqual(await client.mget("key", "missing"), ["wert ☃", null]);
});

test("binary keys and values survive", async () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, at) => at));
  assert.equal(await client.set(bytes, bytes), "OK");
  assert.deepEqual(await client.getBuffer(bytes), bytes);
});

test("a value of many megabytes survives", async () => {
  const value = Buffer.alloc(8 << 20, "abcdefgh");
  assert.equal(await client.set("large", value), "OK");
  assert.ok((await client.getBuffer("large")).equals(value));
});

test("commands sent at once are pipelined by themselves and answered in order", async () => {
  const piped = new Redis({ host, port, enableAutoPipelining: true });
  const numbers = Array.from({ length: 1000 }, (_, at) => at);
  const sets = await Promise.all(numbers.map((at) => piped.set(`key:${at}`, at)));
  assert.deepEqual(new Set(sets), new Set(["OK"]));
  const values = await Promise.all(numbers.map((at) => piped.get(`key:${at}`)));
  assert.deepEqual(values, numbers.map(String));
  piped.disconnect();
});

test("an explicit pipeline answers each command for itself", async () => {
  const replies = await client.pipeline().set("key", "text").incr("key").get("key").exec();
  assert.deepEqual(replies[0], [null, "OK"]);
  assert.match(replies[1][0].message, /^ERR value is not an integer or out of range/);
  assert.deepEqual(replies[2], [null, "text"]);
});

test("a transaction is executed whole", async () => {
  const replies = await client.multi().incr("count").incr("count").get("count").exec();
  assert.deepEqual(replies, [[null, 1], [null, 2], [null, "2"]]);
});

test("a watched key that changed aborts the transaction", async () => {
  await client.set("key", 1);
  await client.watch("key");
  await other.set("key", 2);
  assert.equal(await client.multi().set("key", 3).exec(), null);
  assert.equal(await client.get("key"), "2");
});

test("channels and patterns receive what is published", async () => {
  const subscriber = new Redis({ host, port });
  const seen = [];
  subscriber.on("message", (channel, text) => seen.push([channel, text]));
  subscriber.on("pmessage", (pattern, channel, text) => seen.push([pattern, channel, text]));
  assert.equal(await subscriber.subscribe("news", "sport"), 2);
  assert.equal(await subscriber.psubscribe("new*"), 3);
  assert.equal(await client.publish("news", "hello"), 2);
  assert.equal(await client.publish("sport", "goal"), 1);
  await eventually(() => seen.length === 3, "three messages");
  assert.deepEqual(seen.sort(), [
    ["new*", "news", "hello"],
    ["news", "hello"],
    ["sport", "goal"],
  ]);
  subscriber.disconnect();
});

test("shard channels receive what is published to them", async () => {
  const subscriber = new Redis({ host, port });
  const seen = [];
  subscriber.on("smessage", (channel, text) => seen.push([channel, text]));
  assert.equal(await subscriber.ssubscribe("news"), 1);
  assert.equal(await client.publish("news", "wrong"), 0);
  assert.equal(await client.spublish("news", "right"), 1);
  await eventually(() => seen.length > 0, "a message");
  assert.deepEqual(seen, [["news", "right"]]);
  subscriber.disconnect();
});

test("a scan stream finds every key once", async () => {
  const names = Array.from({ length: 1500 }, (_, at) => `key:${at}`);
  await client.mset(names.flatMap((name) => [name, 1]));
  const found = [];
  for await (const keys of client.scanStream({ match: "key:*", count: 100 })) found.push(...keys);
  assert.deepEqual(found.sort(), names.sort());
});

test("a client that was killed reconnects and goes on", async () => {
  const victim = new Redis({ host, port, retryStrategy: () => 10 });
  await victim.set("key", "before");
  const id = await victim.client("ID");
  let ends = 0;
  victim.on("close", () => (ends += 1));
  assert.equal(await client.client("KILL", "ID", id), 1);
  await eventually(() => ends === 1, "the connection to end");
  assert.equal(await victim.get("key"), "before");
  assert.notEqual(await victim.client("ID"), id);
  victim.disconnect();
});

test("a subscriber that was killed subscribes again by itself", async () => {
  const subscriber = new Redis({ host, port, retryStrategy: () => 10 });
  const seen = [];
  subscriber.on("message", (channel, text) => seen.push(text));
  await subscriber.subscribe("news");
  assert.ok((await client.client("KILL", "TYPE", "pubsub")) >= 1);
  await eventually(async () => (await client.publish("news", "again")) > 0, "a new subscription");
  await eventually(() => seen.length > 0, "a message");
  assert.equal(seen[0], "again");
  subscriber.disconnect();
});

test("an error has the server's text", async () => {
  await assert.rejects(client.call("NO-SUCH-COMMAND"), /^ReplyError: ERR unknown command/);
  await assert.rejects(client.set("key"), /wrong number of arguments for 'set' command/);
});
