// What the programs for Node share: what they are told, the sound, and one JSON object a line for what happens.
import { readFileSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export const config = JSON.parse(process.argv[2]);
const began = performance.now();

export function tell(event, fields = {}) {
  const at_s = Math.round(performance.now() - began) / 1000;
  writeSync(1, `${JSON.stringify({ event, at_s, ...fields })}\n`);
}

/** Sends the sound at its pace; forces an end on the way where the driver asks for it. */
export async function send(sendAudio, force) {
  const sound = readFileSync(config.sound);
  const size = config.chunk_bytes;
  const controlAt = config.control_at_bytes;
  const spacing = config.chunk_ms / config.speed;
  const start = performance.now();
  for (let at = 0, index = 0; at < sound.length; at += size, index += 1) {
    if (config.with_controls && at <= controlAt && controlAt < at + size) {
      tell("force");
      force();
    }
    await sleep(Math.max(0, start + index * spacing - performance.now()));
    sendAudio(sound.subarray(at, at + size));
  }
  tell("sent");
}
