// The console's reducer, as its contract describes it: reads a flow's stream and prints
// what it holds, in the order in which it would draw it, once it stands at the cursor it was told to wait for.
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

function frame(text) {
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
  return field.id === until;
}

const stream = await fetch(url, { headers: { accept: "text/event-stream" } });
let rest = "";
for await (const piece of stream.body.pipeThrough(new TextDecoderStream())) {
  const frames = (rest + piece).split("\n\n");
  rest = frames.pop();
  if (frames.some(frame)) {
    console.log(JSON.stringify({ flow: state.flow, nodes: [...state.nodes.values()], rels: [...state.rels.values()] }));
    process.exit(0);
  }
}
throw new Error(`the stream ended before ${until}`);
