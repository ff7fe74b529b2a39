// The vendor's Node SDK: RealtimeTranscriber, over TLS because it takes no other address.
import { AssemblyAI } from "assemblyai";
import { config, send, report } from "./common.mjs";

const client = new AssemblyAI({ apiKey: config.key, baseUrl: config.https_url });
const credentials = config.with_token
  ? { token: await client.realtime.createTemporaryToken({ expires_in: 60 }) }
  : { apiKey: config.key };
const transcriber = client.realtime.transcriber({
  realtimeUrl: `${config.wss_url}/v2/realtime/ws`,
  sampleRate: config.sample_rate,
  ...credentials,
});
transcriber.on("open", ({ sessionId }) => report("begin", { id: sessionId }));
transcriber.on("transcript", (it) =>
  report("turn", {
    text: it.text,
    is_final: it.message_type === "FinalTranscript",
    words: it.words,
    start: it.audio_start,
    end: it.audio_end,
    is_formatted: Boolean(it.text_formatted && it.punctuated),
  }),
);
transcriber.on("session_information", (it) => report("information", { audio_s: it.audio_duration_seconds }));
transcriber.on("error", (error) => report("error", { text: String(error.message) }));
transcriber.on("close", (code, reason) => report("closed", { code, text: String(reason) }));
try {
  await transcriber.connect();
  await send(
    (chunk) => transcriber.sendAudio(chunk),
    () => transcriber.forceEndUtterance(),
  );
} catch (error) {
  report("error", { text: String(error.message), code: error.code });
}
await transcriber.close();
report("done");
