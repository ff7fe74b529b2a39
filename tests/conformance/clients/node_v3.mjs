// The vendor's Node SDK: StreamingTranscriber, over TLS because it takes no other address.
import { AssemblyAI } from "assemblyai";
import { config, send, report } from "./common.mjs";

const client = new AssemblyAI({
  apiKey: config.key,
  baseUrl: config.https_url,
  streamingBaseUrl: config.https_url,
});
const credentials = config.with_token
  ? { token: await client.streaming.createTemporaryToken({ expires_in_seconds: 60 }) }
  : { apiKey: config.key };
const transcriber = client.streaming.transcriber({
  websocketBaseUrl: `${config.wss_url}/v3/ws`,
  sampleRate: config.sample_rate,
  speechModel: config.speech_model,
  formatTurns: true,
  ...credentials,
});
transcriber.on("open", ({ id }) => report("begin", { id }));
transcriber.on("turn", (it) =>
  report("turn", {
    text: it.transcript,
    is_final: it.end_of_turn,
    order: it.turn_order,
    words: it.words.map((word) => ({ ...word, is_final: word.word_is_final })),
    is_formatted: it.turn_is_formatted,
  }),
);
transcriber.on("warning", (it) => report("warning", { text: it.warning, code: it.warning_code }));
transcriber.on("error", (error) => report("error", { text: String(error.message), code: error.code }));
transcriber.on("close", (code, reason) => report("closed", { code, text: String(reason) }));
try {
  await transcriber.connect();
  await send(
    (chunk) => transcriber.sendAudio(chunk),
    () => transcriber.forceEndpoint(),
  );
} catch (error) {
  report("error", { text: String(error.message), code: error.code });
}
await transcriber.close();
report("done");
