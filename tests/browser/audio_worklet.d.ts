// What the audio thread has and TypeScript's description of browsers lacks.
declare const sampleRate: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
  constructor(options?: unknown);
}
declare function registerProcessor(name: string, processor: new (options?: any) => AudioWorkletProcessor): void;
