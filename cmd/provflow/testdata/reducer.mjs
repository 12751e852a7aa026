// The console's reducer, as its contract describes it: reads a flow's stream and prints
// what it holds, in the order in which it would draw it, once it stands at the cursor it
// was told to wait for. It cuts the stream after one change, then after two and so
// on, and resumes with the cursor it holds.
//
//   node reducer.mjs STREAM_URL CURSOR
const [url, until] = process.argv.slice(2);

const state = { flow: null, nodes: new Map(), rels: new Map() };
const relKey = (r) => `{${r.fromId} ${r.toId} ${r.type}}`;

const reduce = {
  snapshot(m) {
    state.nodes.clear();
    state.rels.clear();
    reduce["upsert-flow"](m);
    reduce["upsert-nodes"](m);
    reduce["upsert-rels"](m);
  },
  "upsert-flow": (m) => { state.flow = m.flow; },
  "upsert-nodes": (m) => m.nodes.forEach((n) => state.nodes.set(n.id, n)),
  "upsert-rels": (m) => m.relationships.forEach((r) => state.rels.set(relKey(r), r)),
  "delete-nodes": (m) => m.ids.forEach((id) => state.nodes.delete(id)),
  "delete-rels": (m) => m.pairs.forEach((p) => state.rels.delete(relKey(p))),
};

let cursor = "";
const seen = { snapshots: 0, connections: 0 };

// take applies one event and reports whether it was the last of a change.
function take(text) {
  const field = {};
  for (const line of text.split("\n")) {
    const at = line.indexOf(": ");
    if (at > 0) field[line.slice(0, at)] = line.slice(at + 2);
  }
  const apply = reduce[field.event];
  if (!apply) return false; // a heartbeat, or an event of a later version
  const message = JSON.parse(field.data);
  if (message.type !== field.event) throw new Error(`event ${field.event} carries ${message.type}`);
  apply(message);
  if (field.event === "snapshot" && ++seen.snapshots === 1) console.log("begun");
  const whole = field.id !== cursor;
  cursor = field.id;
  return whole;
}

// read takes a few changes of one connection and then breaks it off.
async function read(changes) {
  seen.connections++;
  const cut = new AbortController();
  const headers = { accept: "text/event-stream", ...(cursor && { "last-event-id": cursor }) };
  const stream = await fetch(url, { headers, signal: cut.signal });
  if (stream.status !== 200) throw new Error(`the stream answered ${stream.status}`);
  let rest = "";
  for await (const piece of stream.body.pipeThrough(new TextDecoderStream())) {
    const whole = (rest + piece).split("\n\n");
    rest = whole.pop();
    for (const text of whole) {
      if (take(text)) changes--;
      if (cursor === until || changes === 0) {
        cut.abort();
        return;
      }
    }
  }
  throw new Error(`the stream ended before ${until}`);
}

while (cursor !== until) await read(seen.connections + 1);
console.log(JSON.stringify({ held: { flow: state.flow, nodes: [...state.nodes.values()], rels: [...state.rels.values()] }, seen }));
process.exit(0);
