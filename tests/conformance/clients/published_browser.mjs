// The vendor's example for browsers: a token in the query, and the origin of its page. It asks for formatted finals by their
// first name, and ends no turn without them.
import WebSocket from "ws";
import { config, send, report } from "./common.mjs";

const answer = await fetch(`${config.https_url}/v3/token?expires_in_seconds=60`, {
  headers: { Authorization: config.key },
});
const { token } = await answer.json();
const query = new URLSearchParams({ sample_rate: config.sample_rate, formatted_finals: true, token });
const socket = new WebSocket(`${config.wss_url}/v3/ws?${query}`, { origin: "http://localhost:3000" });

const closed = new Promise((resolve) => (socket.onclose = resolve));
socket.onerror = (event) => report("error", { text: String(event.message) });
socket.onmessage = (event) => {
  const it = JSON.parse(event.data);
  if (it.type === "Begin") report("begin", { id: it.id });
  if (it.type === "Error") report("error", { text: it.error, code: it.error_code });
  if (it.type === "Termination") report("end", { audio_s: it.audio_duration_seconds });
  if (it.type !== "Turn") return;
  report("turn", {
    text: it.transcript,
    is_final: it.end_of_turn && it.turn_is_formatted,
    order: it.turn_order,
    words: it.words.map((word) => ({ ...word, is_final: word.word_is_final })),
    is_formatted: it.turn_is_formatted,
  });
};
await new Promise((resolve) => (socket.onopen = resolve));
await send((chunk) => socket.send(chunk));
socket.send(JSON.stringify({ type: "Terminate" }));
await closed;
report("done");
