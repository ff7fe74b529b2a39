// The vendor's Node SDK: StreamingTranscriber, over TLS because it takes no other address.
import { AssemblyAI } from "assemblyai";
import { config, send, tell } from "./common.mjs";

const client = new AssemblyAI({
  apiKey: config.key,
  baseUrl: config.https_url,
  streamingBaseUrl: config.https_url,
});
const who = config.with_token
  ? { token: await client.streaming.createTemporaryToken({ expires_in_seconds: 60 }) }
  : { apiKey: config.key };
const transcriber = client.streaming.transcriber({
  websocketBaseUrl: `${config.wss_url}/v3/ws`,
  sampleRate: config.sample_rate,
  speechModel: config.speech_model,
  formatTurns: true,
  ...who,
});
transcriber.on("open", ({ id }) => tell("begin", { id }));
transcriber.on("turn", (it) =>
  tell("turn", {
    text: it.transcript,
    is_final: it.end_of_turn,
    order: it.turn_order,
    words: it.words.map((word) => ({ ...word, is_final: word.word_is_final })),
    is_formatted: it.turn_is_formatted,
  }),
);
transcriber.on("warning", (it) => tell("warning", { text: it.warning, code: it.warning_code }));
transcriber.on("error", (error) => tell("error", { text: String(error.message), code: error.code }));
transcriber.on("close", (code, reason) => tell("closed", { code, text: String(reason) }));
try {
  await transcriber.connect();
  await send(
    (chunk) => transcriber.sendAudio(chunk),
    () => transcriber.forceEndpoint(),
  );
} catch (error) {
  tell("error", { text: String(error.message), code: error.code });
}
await transcriber.close();
tell("done");
