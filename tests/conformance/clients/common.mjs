// What the Node programs share: their configuration, the audio, and reports as one JSON object per line.
import { readFileSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export const config = JSON.parse(process.argv[2]);
const started = performance.now();

export function report(event, fields = {}) {
  const at_s = Math.round(performance.now() - started) / 1000;
  writeSync(1, `${JSON.stringify({ event, at_s, ...fields })}\n`);
}

/** Sends the audio at its pace; forces an endpoint midway if the configuration asks for it. */
export async function send(sendAudio, force) {
  const audio = readFileSync(config.audio);
  const size = config.chunk_bytes;
  const controlAt = config.control_at_bytes;
  const spacing = config.chunk_ms / config.speed;
  const start = performance.now();
  for (let at = 0, index = 0; at < audio.length; at += size, index += 1) {
    if (config.with_controls && at <= controlAt && controlAt < at + size) {
      report("force");
      force();
    }
    await sleep(Math.max(0, start + index * spacing - performance.now()));
    sendAudio(audio.subarray(at, at + size));
  }
  report("sent");
}
