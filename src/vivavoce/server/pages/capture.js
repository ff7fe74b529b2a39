// Runs in the audio thread: mixes all channels to one and posts 16-bit samples in pieces of equal length.

/** @typedef {{samples: Int16Array, peak: number, rms: number}} CapturedAudio */

class Capture extends AudioWorkletProcessor {
	/** @param {{processorOptions?: {chunkMs?: number}}} [options] */
	constructor(options) {
		super();
		const chunkMs = (options && options.processorOptions && options.processorOptions.chunkMs) || 60;
		this._size = Math.ceil((sampleRate * chunkMs) / 1000); // of a piece, in samples
		this._piece = new Int16Array(this._size);
		this._length = 0; // samples in the piece so far
		this._peak = 0;
		this._energy = 0;
		this._running = true;
		this.port.onmessage = () => {
			this._post();
			this._running = false;
		};
	}

	_post() {
		const samples = this._piece.slice(0, this._length);
		const rms = Math.sqrt(this._energy / Math.max(1, this._length));
		this.port.postMessage({ samples, peak: this._peak, rms }, [samples.buffer]);
		this._length = this._peak = this._energy = 0;
	}

	/**
	 * @param {Float32Array[][]} inputs
	 * @returns {boolean}
	 */
	process(inputs) {
		const channels = inputs[0] || [];
		const frames = channels.length ? channels[0].length : 128; // an input without a source is silence
		for (let at = 0; at < frames; at += 1) {
			let value = 0;
			for (const channel of channels) value += channel[at];
			if (channels.length > 1) value /= channels.length;
			const size = Math.abs(value);
			if (size > this._peak) this._peak = size;
			this._energy += value * value;
			this._piece[this._length] = Math.max(-32768, Math.min(32767, Math.round(value * 32767)));
			this._length += 1;
			if (this._length === this._size) this._post();
		}
		return this._running;
	}
}

registerProcessor("vivavoce-capture", Capture);
