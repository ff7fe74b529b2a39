// What the vendor's documentation shows for Node's `ws`: a microphone piped into the socket. The microphone's program
// writes the header of a WAV file first.
import WebSocket from "ws";
import { config, send, report } from "./common.mjs";

const isV3 = config.protocol === "v3";
const path = isV3 ? "/v3/ws" : "/v2/realtime/ws";
const query = new URLSearchParams({ sample_rate: config.sample_rate, ...config.options });
const socket = new WebSocket(`${config.base_url}${path}?${query}`, { headers: { Authorization: config.key } });

function header() {
  const bytes = Buffer.alloc(44);
  bytes.write("RIFF", 0);
  bytes.writeUInt32LE(0x7fffffff, 4);
  bytes.write("WAVEfmt ", 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(config.sample_rate, 24);
  bytes.writeUInt32LE(config.sample_rate * 2, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write("data", 36);
  bytes.writeUInt32LE(0x7fffffdb, 40);
  return bytes;
}

const closed = new Promise((resolve) => socket.on("close", resolve));
socket.on("close", (code, reason) => report("closed", { code, text: String(reason) }));
socket.on("error", (error) => report("error", { text: String(error.message) }));
socket.on("message", (text) => {
  const it = JSON.parse(text);
  if (it.error) report("error", { text: it.error, code: it.error_code });
  else if (it.type === "Begin") report("begin", { id: it.id });
  else if (it.message_type === "SessionBegins") report("begin", { id: it.session_id });
  else if (it.type === "Turn")
    report("turn", {
      text: it.transcript,
      is_final: it.end_of_turn,
      order: it.turn_order,
      words: it.words.map((word) => ({ ...word, is_final: word.word_is_final })),
      is_formatted: it.turn_is_formatted,
    });
  else if (it.message_type === "PartialTranscript" || it.message_type === "FinalTranscript")
    report("turn", {
      text: it.text,
      is_final: it.message_type === "FinalTranscript",
      words: it.words,
      start: it.audio_start,
      end: it.audio_end,
    });
  else if (it.type === "Termination") report("end", { audio_s: it.audio_duration_seconds });
});
await new Promise((resolve) => socket.on("open", resolve));
socket.send(header());
await send((chunk) => socket.readyState === WebSocket.OPEN && socket.send(chunk));
socket.send(JSON.stringify(isV3 ? { type: "Terminate" } : { terminate_session: true }));
await closed;
report("done");
