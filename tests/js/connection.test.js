import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff, Connection } from "../../static/js/models/connection.js";

class Socket {
  sent = [];
  closed = false;
  send(text) { this.sent.push(JSON.parse(text)); }
  close() { this.closed = true; }
  open() { this.onopen(); }
  hear(frame) { this.onmessage({ data: JSON.stringify(frame) }); }
  break(code) { this.onclose({ code }); }
}

function setUp() {
  const world = { clock: 0, sockets: [], timers: [], handshakes: [], frames: [], states: [], said: [] };
  world.connection = new Connection({
    url: "ws://host/ws/",
    socket: () => {
      world.sockets.push(new Socket());
      return world.sockets.at(-1);
    },
    timers: { setTimeout: (run, delay) => (delay === 10000 ? world.handshakes : world.timers).push({ run, delay }), clearTimeout: () => {} },
    backoff: new Backoff({ random: () => 1 }),
    now: () => world.clock,
    handlers: {
      frame: (frame) => world.frames.push(frame),
      state: (state) => world.states.push(state),
      signedOut: () => world.said.push("signed out"),
      gone: () => world.said.push("gone"),
      suspicious: () => world.said.push("suspicious"),
    },
  });
  world.connection.connect();
  return world;
}

test("tells for how long the socket has been silent", () => {
  const world = setUp();
  world.clock = 40000;
  world.sockets[0].open();
  world.clock = 50000;
  assert.equal(world.connection.silence, 10000);
  world.sockets[0].hear({ type: "conversation" });
  assert.equal(world.connection.silence, 0);
});

test("sends only while it is open, and hands every frame on", () => {
  const world = setUp();
  assert.equal(world.connection.send({ type: "ack" }), false);
  world.sockets[0].open();
  world.sockets[0].hear({ type: "conversation" });
  assert.deepEqual(world.states, ["connecting", "open"]);
  assert.equal(world.connection.send({ type: "ack" }), true);
  assert.deepEqual(world.sockets[0].sent, [{ type: "ack" }]);
  assert.deepEqual(world.frames, [{ type: "conversation" }]);
});

test("comes back after 1006, 4408 and 1012 with growing windows", () => {
  const world = setUp();
  for (const code of [1006, 4408, 1006]) {
    world.sockets.at(-1).break(code);
    world.timers.at(-1).run();
  }
  assert.deepEqual(world.timers.map((timer) => timer.delay), [500, 1000, 2000]);
  world.sockets.at(-1).open();
  world.clock += 6000;
  world.sockets.at(-1).break(1012);
  assert.equal(world.timers.at(-1).delay, 5000);
});

test("a socket that is closed as soon as it opens keeps its growing windows", () => {
  const world = setUp();
  for (let count = 0; count < 3; count += 1) {
    world.sockets.at(-1).open();
    world.sockets.at(-1).break(1008);
    world.timers.at(-1).run();
  }
  assert.deepEqual(world.timers.map((timer) => timer.delay), [500, 1000, 2000]);
});

test("never waits longer than 8 seconds", () => {
  const world = setUp();
  for (let count = 0; count < 12; count += 1) {
    world.sockets.at(-1).break(1006);
    world.timers.at(-1).run();
  }
  assert.equal(world.timers.at(-1).delay, 8000);
});

test("4401 and 4404 are final", () => {
  for (const [code, word] of [[4401, "signed out"], [4404, "gone"]]) {
    const world = setUp();
    world.sockets[0].break(code);
    assert.deepEqual(world.said, [word]);
    assert.equal(world.timers.length, 0);
    assert.equal(world.connection.state, "closed");
  }
});

test("asks what is wrong after every three failures", () => {
  const world = setUp();
  for (let count = 0; count < 7; count += 1) {
    world.sockets.at(-1).break(1006);
    world.timers.at(-1).run();
  }
  assert.deepEqual(world.said, ["suspicious", "suspicious"]);
});

test("when the network is back it tries at once and counts anew", () => {
  const world = setUp();
  for (let count = 0; count < 5; count += 1) {
    world.sockets.at(-1).break(1006);
    world.timers.at(-1).run();
  }
  world.connection.again();
  assert.equal(world.sockets.length, 7);
  world.sockets.at(-1).break(1006);
  assert.equal(world.timers.at(-1).delay, 500);
});

test("gives up a handshake that nobody answers", () => {
  const world = setUp();
  world.handshakes[0].run();
  assert.equal(world.sockets[0].closed, true);
  assert.deepEqual(world.states, ["connecting", "waiting"]);
  world.timers[0].run();
  assert.equal(world.sockets.length, 2);
});

test("hurries when the network is back, but leaves an open socket alone", () => {
  const world = setUp();
  world.connection.hurry();
  assert.equal(world.sockets.length, 1);
  world.sockets[0].break(1006);
  world.connection.hurry();
  assert.equal(world.sockets.length, 2);
});

test("a replaced socket is not listened to any more", () => {
  const world = setUp();
  const [old] = world.sockets;
  world.connection.connect();
  assert.equal(old.closed, true);
  assert.equal(old.onmessage, null);
});
