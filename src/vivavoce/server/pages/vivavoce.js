/**
 * Vivavoce's client for web pages: live transcription of a microphone, a tab or any other MediaStream.
 *
 * `Session` speaks v3 over one WebSocket after another: after a lost connection it sends the audio again that no
 * final turn covers. `Capture` turns a MediaStream into samples. `Transcriber` is both together.
 */

/**
 * @typedef {{start: number, end: number, text: string, confidence: number, word_is_final: boolean, speaker?: string}} Word
 * Times are milliseconds of the session's audio; `speaker` is there in a finished turn, with `speaker_labels: true`.
 */

/**
 * @typedef {{turn_order: number, speaker_label: string, words: Word[]}} Revision Another speaker of a finished turn.
 */

/**
 * @typedef {object} Turn
 * @property {number} turn_order Number of the turn in the session, over all its connections.
 * @property {boolean} end_of_turn Whether the turn is finished.
 * @property {boolean} turn_is_formatted
 * @property {string} transcript
 * @property {Word[]} words
 * @property {string} stable The words that do not change until the turn ends.
 * @property {string} tail The words after them, which may still change.
 * @property {string} text All words.
 * @property {string} [speaker_label] Who says most of a finished turn, with `speaker_labels: true`. Each connection
 *   begins again with A.
 */

/**
 * @typedef {object} Events
 * @property {State} state
 * @property {{id: string, expires_at: number}} begin The session began; once.
 * @property {Turn} partial An unfinished turn; it replaces the one before it.
 * @property {Turn} final A finished turn. A server that formats afterwards sends a turn twice.
 * @property {Revision[]} speaker_revision Finished turns whose speakers are others than were reported.
 * @property {{warning: string, warning_code: number}} warning
 * @property {{reason: string, attempt: number, delayMs: number}} reconnecting
 * @property {{replayedMs: number, lostMs: number}} reconnected
 * @property {Error & {code?: number, lostMs?: number}} error The session failed; `close` follows.
 * @property {{code: number, reason: string}} close The last event.
 * @property {Record<string, any>} message Every message of the server, as it came.
 */

/** @typedef {"idle" | "connecting" | "open" | "reconnecting" | "paused" | "ending" | "closed"} State */

/** @typedef {() => (string | null | Promise<string | null>)} TokenProvider */

/**
 * @typedef {object} SessionOptions
 * @property {string} [url] Address of the server's v3 WebSocket; that of this page's server by default.
 * @property {TokenProvider} [token] Returns a fresh token for each connection, or null if none is needed.
 * @property {number} sampleRate In Hz, 8,000 to 96,000.
 * @property {Record<string, string | number | boolean | string[]>} [parameters] Query parameters of v3.
 * @property {number} [attempts] Attempts to reconnect without any progress between them.
 * @property {number} [stallMs] How long a server may send nothing before the connection counts as lost.
 */

const MIN_AUDIO_MS = 50; // in a message, as v3 requires
const CHUNK_MS = 60;
const MAX_CHUNK_MS = 500;
const MAX_LEAD_MS = 20_000; // how far audio runs ahead of the clock when it is sent again
const MAX_BUFFERED_MS = 3_000; // audio that the browser may hold for a slow link
const MAX_KEPT_MS = 300_000; // audio kept for another connection; a bound on memory
const LEAD_IN_MS = 1_000; // kept before the first word of an unfinished turn
const QUIET_MS = 60_000; // kept while no turn is unfinished
const DECODED_AFTER_MS = 20_000; // audio sent this long ago has been decoded: a word in it would be known
const SEARCH_MS = 200; // how far after the last word the quietest place is searched for
const BEGIN_MS = 10_000;
const END_MS = 15_000; // without any message after the request to end
const PAUSE_MS = 3_000; // for the final turn before a pause
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 8_000;
const RETRIED_CODES = new Set([1001, 1006, 1011, 1012, 1013, 1014, 3005, 3008, 3009, 4008]);
const CLEAN_CODES = new Set([1000, 1005]);
const FORCE = "force";

/** @template {Record<string, any>} Map */
class Emitter {
	constructor() {
		/** @type {Record<string, Set<Function>>} */
		this._handlers = {};
	}

	/**
	 * Calls `handler` at each event of a name.
	 * @template {keyof Map & string} Name
	 * @param {Name} name
	 * @param {(detail: Map[Name]) => void} handler
	 * @returns {() => void} Stops it.
	 */
	on(name, handler) {
		const handlers = (this._handlers[name] = this._handlers[name] || new Set());
		handlers.add(handler);
		return () => handlers.delete(handler);
	}

	/**
	 * @template {keyof Map & string} Name
	 * @param {Name} name
	 * @param {Map[Name]} detail
	 */
	_emit(name, detail) {
		for (const handler of [...(this._handlers[name] || [])]) {
			try {
				handler(detail);
			} catch (error) {
				console.error(error); // a page's mistake must not end the session
			}
		}
	}
}

/** A failure of a session. */
export class TranscriptionError extends Error {
	/**
	 * @param {string} message
	 * @param {{code?: number, isFinal?: boolean, lostMs?: number}} [details]
	 */
	constructor(message, details = {}) {
		super(message);
		this.name = "TranscriptionError";
		this.code = details.code; // close code or HTTP status
		this.isFinal = details.isFinal || false; // no other attempt can succeed
		this.lostMs = details.lostMs || 0; // audio that was not transcribed
	}
}

/** @typedef {{data: Int16Array | "force", start: number, sentAt: number}} Piece */

/** Audio to send, and audio to send again: all since the last finished turn. Positions are samples. */
class AudioQueue {
	/** @param {number} rate */
	constructor(rate) {
		this._rate = rate;
		/** @type {Piece[]} */
		this._pieces = [];
		this._next = 0; // index of the first piece that this connection has not sent
		this._start = 0; // position of the first sample that is kept
		this._end = 0;
		this._lost = 0; // samples dropped because no turn ended for too long
		this._sent = 0; // samples sent over this connection
	}

	/** @param {number} samples */
	toMs(samples) {
		return Math.round((samples * 1000) / this._rate);
	}

	/** @param {number} ms */
	toSamples(ms) {
		return Math.floor((ms * this._rate) / 1000);
	}

	get sentMs() {
		return this.toMs(this._sent);
	}

	get isDrained() {
		return this._next >= this._pieces.length;
	}

	get keptMs() {
		return this.toMs(this._end - this._start);
	}

	/** @param {Int16Array | "force"} data */
	push(data) {
		this._pieces.push({ data, start: this._end, sentAt: 0 });
		if (data !== FORCE) this._end += data.length;
	}

	/** @param {number} now */
	take(now) {
		const piece = this._pieces[this._next];
		this._next += 1;
		piece.sentAt = now;
		if (piece.data !== FORCE) this._sent += piece.data.length;
		return piece.data;
	}

	/** Prepares another connection, which gets all audio that is kept. */
	rewind() {
		/** @type {Piece[]} */
		const pieces = [];
		for (const piece of this._pieces) {
			const before = pieces[pieces.length - 1];
			const isShort =
				before && before.data !== FORCE && before.data.length < this.toSamples(MIN_AUDIO_MS) && piece.data !== FORCE;
			if (isShort) before.data = joined([/** @type {Int16Array} */ (before.data), /** @type {Int16Array} */ (piece.data)]);
			else if (pieces.length || piece.data !== FORCE) pieces.push({ ...piece });
		}
		this._pieces = pieces;
		this._next = 0;
		this._sent = 0;
		const lostMs = this.toMs(this._lost);
		this._lost = 0;
		const last = pieces[pieces.length - 1];
		let rest = null; // too short for a message of its own
		if (last && last.data !== FORCE && last.data.length < this.toSamples(MIN_AUDIO_MS)) {
			rest = last.data;
			pieces.pop();
			this._end = last.start;
		}
		return { startMs: this.toMs(this._start), lostMs, rest };
	}

	/**
	 * Drops the audio of a finished turn.
	 * @param {number | null} endMs End of its last word; null if it had none.
	 */
	finishTurn(endMs) {
		const sent = this._pieces.slice(0, this._next).filter((piece) => piece.data !== FORCE);
		this._pieces = sent.concat(this._pieces.slice(this._next));
		this._next = sent.length;
		if (endMs !== null) this._dropBefore(this._quietestAfter(this.toSamples(endMs)));
	}

	/**
	 * Drops audio that will not be needed.
	 * @param {number | null} turnStartMs Start of the unfinished turn's first word; null between turns.
	 * @param {number} now
	 */
	trim(turnStartMs, now) {
		const oldest = this._end - this.toSamples(MAX_KEPT_MS);
		if (oldest > this._start) {
			this._lost += oldest - this._start;
			this._dropBefore(oldest, true);
		}
		if (turnStartMs !== null) {
			this._dropBefore(this.toSamples(Math.max(0, turnStartMs - LEAD_IN_MS)));
			return;
		}
		const quiet = this._end - this.toSamples(QUIET_MS);
		while (this._next > 0 && this._pieces[0].start < quiet && now - this._pieces[0].sentAt >= DECODED_AFTER_MS) {
			this._pieces.shift();
			this._next -= 1;
			this._start = this._pieces.length ? this._pieces[0].start : this._end;
		}
	}

	/**
	 * @param {number} position
	 * @param {boolean} [unsentToo]
	 */
	_dropBefore(position, unsentToo = false) {
		while (this._pieces.length && (unsentToo || this._next > 0)) {
			const first = this._pieces[0];
			const length = first.data === FORCE ? 0 : first.data.length;
			if (first.start >= position) break;
			if (first.start + length > position && first.data !== FORCE) {
				first.data = first.data.slice(position - first.start);
				first.start = position;
				break;
			}
			this._pieces.shift();
			this._next = Math.max(0, this._next - 1);
		}
		this._start = this._pieces.length ? this._pieces[0].start : this._end;
	}

	/** @param {number} position */
	_quietestAfter(position) {
		// Word ends are only accurate to about 100 ms.
		const from = Math.max(position, this._start);
		const stretch = this._read(from, from + this.toSamples(SEARCH_MS));
		const size = this.toSamples(10);
		let best = from;
		let quietest = Infinity;
		for (let at = 0; at + size <= stretch.length; at += size) {
			let loudness = 0;
			for (let sample = at; sample < at + size; sample += 1) loudness += Math.abs(stretch[sample]);
			if (loudness <= quietest) [best, quietest] = [from + at, loudness];
		}
		return best;
	}

	/**
	 * @param {number} start
	 * @param {number} end
	 */
	_read(start, end) {
		const found = [];
		for (const { data, start: at } of this._pieces.slice(0, this._next)) {
			if (data !== FORCE && at + data.length > start && at < end) {
				found.push(data.subarray(Math.max(0, start - at), end - at));
			}
		}
		return joined(found);
	}
}

/** @param {Int16Array[]} pieces */
function joined(pieces) {
	const whole = new Int16Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
	let at = 0;
	for (const piece of pieces) {
		whole.set(piece, at);
		at += piece.length;
	}
	return whole;
}

/** @param {string} path */
function serverAddress(path) {
	const url = new URL(path, location.href);
	url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
	return url.href;
}

/**
 * One transcription over as many connections as it takes. It takes samples; `Transcriber` takes a MediaStream.
 * @extends {Emitter<Events>}
 */
export class Session extends Emitter {
	/** @param {SessionOptions} options */
	constructor(options) {
		super();
		this._options = options;
		this._queue = new AudioQueue(options.sampleRate);
		/** @type {State} */
		this._state = "idle";
		/** @type {WebSocket | null} */
		this._socket = null;
		this._isOpen = false; // this connection's session has begun
		this._hasBegun = false; // over any connection
		this._dials = 0; // tells the present attempt to connect from earlier ones
		this._attempt = 0; // to reconnect, since the last progress
		this._openedAt = 0;
		this._receivedAt = 0;
		this._hasHeartbeats = false;
		/** @type {{error: string, error_code?: number} | null} */
		this._pendingError = null;
		/** @type {Int16Array[]} */
		this._short = []; // audio too short for a message
		/** @type {Record<string, any>} */
		this._changes = {}; // settings changed so far; each new connection gets them first
		this._isPausing = false;
		this._isEnding = false;
		this._endSent = false;
		/** @type {Record<string, number | undefined>} */
		this._timers = {};
		this._offsetMs = 0; // where this connection's audio begins
		this._firstOrder = 0; // the session's number for this connection's turn 0
		this._nextOrder = 0;
		/** @type {number | null} */
		this._turnStartMs = null; // first word of the unfinished turn
		this._latestMs = -1; // end of the latest word
		/** @type {Promise<{code: number, reason: string}>} Resolves when the session is over. */
		this.closed = new Promise((resolve) => this.on("close", resolve));
		this._online = () => this._state === "reconnecting" && this._dial();
	}

	/** @returns {State} */
	get state() {
		return this._state;
	}

	/** Of the audio, in Hz. */
	get sampleRate() {
		return this._options.sampleRate;
	}

	/** How much audio waits for a connection or a final turn, in milliseconds. */
	get unfinishedMs() {
		return this._queue.keptMs;
	}

	/**
	 * Opens the session.
	 * @returns {Promise<void>} Rejects if no session begins.
	 */
	open() {
		if (this._state !== "idle") return Promise.reject(new TranscriptionError("the session was opened before"));
		return new Promise((resolve, reject) => {
			this.on("begin", () => resolve());
			this.on("error", reject);
			this.on("close", () => reject(new TranscriptionError("closed before the session began")));
			addEventListener("online", this._online);
			this._become("connecting");
			this._dial();
		});
	}

	/**
	 * Sends samples of one channel; any number of them. Without a connection they wait for one.
	 * @param {Int16Array} samples
	 */
	send(samples) {
		if (this._isEnding || this._isPausing || this._state === "closed" || this._state === "paused") return;
		this._short.push(samples);
		const length = this._short.reduce((sum, piece) => sum + piece.length, 0);
		if (length < this._queue.toSamples(CHUNK_MS)) return;
		const all = this._short.length === 1 ? samples : joined(this._short);
		this._short = [];
		const most = this._queue.toSamples(MAX_CHUNK_MS);
		const least = this._queue.toSamples(CHUNK_MS);
		let at = 0;
		while (all.length - at >= least) {
			const rest = all.length - at;
			const size = rest > most ? Math.min(most, rest - least) : rest;
			this._queue.push(all.slice(at, at + size));
			at += size;
		}
		if (at < all.length) this._short.push(all.slice(at));
		this._queue.trim(this._turnStartMs, performance.now());
		this._pump();
	}

	/** Requests the end of the turn. */
	forceEndpoint() {
		this._flush();
		this._queue.push(FORCE);
		this._pump();
	}

	/**
	 * Changes parameters of v3 while the session runs, for instance `{keyterms_prompt: ["Vivavoce"]}`.
	 * @param {Record<string, any>} changes
	 */
	update(changes) {
		this._changes = { ...this._changes, ...changes };
		if (this._isOpen) this._sendText({ type: "UpdateConfiguration", ...changes });
	}

	/** Finishes the turn and disconnects; audio is dropped until `resume`. */
	pause() {
		if (this._isPausing || this._isEnding || this._state === "paused" || this._state === "closed") return;
		this.forceEndpoint();
		this._isPausing = true;
		this._timers.pause = setTimeout(() => this._suspend(), PAUSE_MS);
	}

	/** Continues after `pause`. */
	resume() {
		clearTimeout(this._timers.pause);
		this._isPausing = false;
		if (this._state !== "paused") return;
		this._attempt = 0;
		this._become("reconnecting");
		this._dial();
	}

	/**
	 * Sends what waits, requests the end and waits for it.
	 * @returns {Promise<{code: number, reason: string}>}
	 */
	stop() {
		if (this._isEnding || this._state === "closed") return this.closed;
		if (!this._hasBegun) {
			this._end(1000, "closed before the session began");
			return this.closed;
		}
		this._flush();
		this._isEnding = true;
		clearTimeout(this._timers.pause);
		this._isPausing = false;
		const wasPaused = this._state === "paused";
		this._become("ending");
		this._expectEnd();
		if (wasPaused) this._dial(); // the room learns that it is over
		this._pump();
		return this.closed;
	}

	/** Ends the session at once; unfinished words are dropped. */
	abort() {
		if (this._state !== "closed") this._end(1000, "closed here, without waiting for the end");
	}

	// --- connections ---

	async _dial() {
		const dial = (this._dials += 1);
		clearTimeout(this._timers.dial);
		this._drop();
		this._timers.begin = setTimeout(() => this._lost(1006, "the server did not begin a session in time"), BEGIN_MS);
		let token = null;
		try {
			token = this._options.token ? await this._options.token() : null;
		} catch (error) {
			if (dial !== this._dials || this._state === "closed") return;
			const reason = error instanceof Error ? error : new TranscriptionError(String(error));
			this._retry(reason, !(reason instanceof TranscriptionError && reason.isFinal));
			return;
		}
		if (dial !== this._dials || this._state === "closed") return;
		const socket = new WebSocket(this._address(token));
		this._socket = socket;
		this._endSent = false;
		this._hasHeartbeats = false;
		this._pendingError = null;
		socket.binaryType = "arraybuffer";
		socket.onmessage = (event) => {
			if (socket === this._socket) this._receive(event.data);
		};
		socket.onclose = (event) => {
			if (socket === this._socket) this._lost(event.code, event.reason);
		};
	}

	/** @param {string | null} token */
	_address(token) {
		const url = new URL(this._options.url || serverAddress("/v3/ws"));
		const parameters = { session_heartbeat: true, ...this._options.parameters };
		url.searchParams.set("sample_rate", String(this._options.sampleRate));
		url.searchParams.set("encoding", "pcm_s16le");
		for (const [name, value] of Object.entries(parameters)) {
			url.searchParams.set(name, Array.isArray(value) ? JSON.stringify(value) : String(value));
		}
		if (token) url.searchParams.set("token", token);
		return url.href;
	}

	_drop() {
		const socket = this._socket;
		this._socket = null;
		this._isOpen = false;
		clearTimeout(this._timers.begin);
		clearTimeout(this._timers.error);
		clearInterval(this._timers.watch);
		if (socket) socket.close();
	}

	/**
	 * Handles the end of a connection.
	 * @param {number} code
	 * @param {string} reason
	 */
	_lost(code, reason) {
		const pending = this._pendingError;
		this._drop();
		const text = (pending && pending.error) || reason;
		if (CLEAN_CODES.has(code) && !pending) {
			if (this._isEnding) this._end(code, reason);
			else this._retry(new TranscriptionError(text || "the server ended the session", { code }), true);
			return;
		}
		const words = text || (code === 1006 ? "the connection was lost" : `the server closed the session with code ${code}`);
		this._retry(new TranscriptionError(words, { code }), RETRIED_CODES.has(code));
	}

	/**
	 * @param {Error} error
	 * @param {boolean} mayPass Whether another connection may succeed.
	 */
	_retry(error, mayPass) {
		this._drop();
		const attempts = this._options.attempts === undefined ? 10 : this._options.attempts;
		if (this._isPausing && mayPass && this._hasBegun) {
			this._suspend();
			return;
		}
		if (!this._hasBegun || !mayPass || this._attempt >= attempts) {
			this._fail(error);
			return;
		}
		this._attempt += 1;
		const backoff = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (this._attempt - 2));
		const delayMs = this._attempt === 1 ? 0 : Math.round(backoff * (0.75 + 0.5 * Math.random()));
		if (!this._isEnding) this._become("reconnecting");
		this._emit("reconnecting", { reason: error.message, attempt: this._attempt, delayMs });
		this._timers.dial = setTimeout(() => this._dial(), delayMs);
	}

	_suspend() {
		clearTimeout(this._timers.pause);
		clearTimeout(this._timers.dial);
		this._isPausing = false;
		this._dials += 1;
		this._drop();
		this._become("paused");
	}

	/** @param {Error} error */
	_fail(error) {
		const code = /** @type {any} */ (error).code;
		const lostMs = this._hasBegun ? this._queue.keptMs : 0;
		this._emit("error", new TranscriptionError(error.message, { code, lostMs, isFinal: true }));
		this._end(code || 1006, error.message);
	}

	/**
	 * @param {number} code
	 * @param {string} reason
	 */
	_end(code, reason) {
		if (this._state === "closed") return;
		this._dials += 1;
		this._drop();
		for (const timer of Object.values(this._timers)) clearTimeout(timer);
		removeEventListener("online", this._online);
		this._become("closed");
		this._emit("close", { code, reason });
	}

	/** @param {State} state */
	_become(state) {
		if (state === this._state) return;
		this._state = state;
		this._emit("state", state);
	}

	// --- sending ---

	_flush() {
		if (!this._short.length) return;
		const rest = joined(this._short);
		this._short = [];
		const padded = new Int16Array(Math.max(rest.length, Math.ceil((this._options.sampleRate * MIN_AUDIO_MS) / 1000)));
		padded.set(rest);
		this._queue.push(padded);
	}

	_pump() {
		const socket = this._socket;
		if (!this._isOpen || !socket) return;
		const limit = this._queue.toSamples(MAX_BUFFERED_MS) * 2;
		while (!this._queue.isDrained) {
			const now = performance.now();
			const lead = this._queue.sentMs - (now - this._openedAt);
			if (lead > MAX_LEAD_MS || socket.bufferedAmount > limit) {
				clearTimeout(this._timers.pump);
				this._timers.pump = setTimeout(() => this._pump(), 50);
				return;
			}
			const data = this._queue.take(now);
			if (data === FORCE) this._sendText({ type: "ForceEndpoint" });
			else socket.send(/** @type {Int16Array<ArrayBuffer>} */ (data)); // little-endian wherever browsers run
		}
		if (this._isEnding && !this._endSent) {
			this._endSent = true;
			this._sendText({ type: "Terminate" });
		}
	}

	/** @param {Record<string, any>} message */
	_sendText(message) {
		if (this._socket && this._socket.readyState === 1) this._socket.send(JSON.stringify(message));
	}

	_expectEnd() {
		clearTimeout(this._timers.end);
		this._timers.end = setTimeout(() => this._fail(new TranscriptionError("the server did not end the session")), END_MS);
	}

	// --- receiving ---

	/** @param {string | ArrayBuffer} data */
	_receive(data) {
		let message;
		try {
			message = JSON.parse(/** @type {string} */ (data));
		} catch {
			console.warn("Vivavoce: a message that can't be read was skipped");
			return;
		}
		this._receivedAt = performance.now();
		if (this._isEnding) this._expectEnd();
		this._emit("message", message);
		if (message.type === "Begin") this._began(message);
		else if (message.type === "Error" || "error" in message) this._receiveError(message);
		else if (!this._isOpen) return; // the protocol allows nothing before Begin
		else if (message.type === "Turn") this._turn(message);
		else if (message.type === "SpeakerRevision") this._revise(message.revisions);
		else if (message.type === "Warning") this._emit("warning", message);
		else if (message.type === "Heartbeat") this._hasHeartbeats = true;
		else if (message.type === "Termination" && this._isEnding) this._end(1000, "");
	}

	/** @param {{error: string, error_code?: number}} message */
	_receiveError(message) {
		this._pendingError = message; // the close that belongs to it follows
		clearTimeout(this._timers.error);
		this._timers.error = setTimeout(() => this._lost(message.error_code || 1006, ""), 500);
	}

	/** @param {{id: string, expires_at: number}} message */
	_began(message) {
		if (this._isOpen) return;
		clearTimeout(this._timers.begin);
		this._isOpen = true;
		this._openedAt = this._receivedAt = performance.now();
		const { startMs, lostMs, rest } = this._queue.rewind();
		if (rest) this._short.unshift(rest);
		if (this._isEnding) this._flush();
		const replayedMs = this._queue.keptMs;
		this._offsetMs = startMs;
		this._firstOrder = this._nextOrder;
		this._turnStartMs = null;
		this._timers.watch = setInterval(() => this._watch(), 1_000);
		if (Object.keys(this._changes).length) this._sendText({ type: "UpdateConfiguration", ...this._changes });
		if (!this._isEnding) this._become("open");
		if (this._hasBegun) {
			this._emit("reconnected", { replayedMs, lostMs });
		} else {
			this._hasBegun = true;
			this._emit("begin", message);
		}
		this._pump();
	}

	_watch() {
		const silentMs = performance.now() - this._receivedAt;
		const stallMs = this._options.stallMs || 12_000;
		// A page in the background may not have been woken for a while: messages wait in front of this timer.
		if (this._hasHeartbeats && silentMs > stallMs) this._lost(1006, "the server does not respond");
	}

	/** @param {Revision[]} revisions */
	_revise(revisions) {
		for (const revision of revisions) {
			revision.turn_order += this._firstOrder;
			this._shift(revision.words);
		}
		this._emit("speaker_revision", revisions);
	}

	/** @param {Word[]} words */
	_shift(words) {
		for (const word of words) {
			word.start += this._offsetMs;
			word.end += this._offsetMs;
		}
	}

	/** @param {any} turn */
	_turn(turn) {
		turn.turn_order += this._firstOrder;
		turn.words = turn.words || [];
		this._shift(turn.words);
		const isLast = turn.end_of_turn;
		const first = turn.words[0];
		const last = turn.words[turn.words.length - 1];
		const final = /** @param {Word} word */ (word) => isLast || word.word_is_final !== false;
		turn.stable = isLast ? turn.transcript : text(turn.words.filter(final));
		turn.tail = isLast ? "" : text(turn.words.filter(/** @param {Word} word */ (word) => !final(word)));
		turn.text = isLast || !first ? turn.transcript || "" : text(turn.words);
		if (isLast) this._nextOrder = turn.turn_order + 1;
		this._turnStartMs = isLast || !first ? null : first.start;
		if (last && last.end > this._latestMs) {
			this._latestMs = last.end;
			this._attempt = 0; // progress
		}
		if (isLast) this._queue.finishTurn(last ? last.end : null);
		this._emit(isLast ? "final" : "partial", turn);
		if (isLast && this._isPausing && this._queue.isDrained) this._suspend();
	}
}

// Chinese, Japanese, Thai and some others have no spaces between words; as `words.js` has it, which is not part of this module.
const UNSPACED =
	"\\u0e00-\\u0fff\\u1000-\\u109f\\u1780-\\u17ff\\u2e80-\\u2fdf\\u3000-\\u30ff\\u31f0-\\u31ff\\u3400-\\u4dbf\\u4e00-\\u9fff" +
	"\\uf900-\\ufaff\\uff00-\\uffef\\u{20000}-\\u{3ffff}";
const NO_SPACE = new RegExp(`([${UNSPACED}]) (?=[${UNSPACED}])`, "gu");

/** @param {Word[]} words */
function text(words) {
	return words
		.map((word) => word.text)
		.join(" ")
		.replace(NO_SPACE, "$1");
}

/** @param {MediaStream} stream */
function release(stream) {
	for (const track of stream.getTracks()) track.stop();
}

/**
 * @typedef {object} CaptureEvents
 * @property {Int16Array} audio Samples of one channel, about 60 ms of them.
 * @property {{peak: number, rms: number}} level Of the same samples, 0 to 1.
 * @property {"ended" | "muted" | "unmuted" | "suspended" | "running"} source What happens to the audio's source.
 */

/**
 * Turns a MediaStream, or an audio or video element, into 16-bit samples at the rate of its AudioContext.
 * @extends {Emitter<CaptureEvents>}
 */
export class Capture extends Emitter {
	/**
	 * @param {AudioContext} context
	 * @param {AudioNode} source
	 * @param {MediaStream | null} stream
	 */
	constructor(context, source, stream) {
		super();
		this._context = context;
		this._source = source;
		this._stream = stream;
		this._node = new AudioWorkletNode(context, "vivavoce-capture", {
			numberOfInputs: 1,
			numberOfOutputs: 1, // silent; some browsers run only what is connected to the destination
			processorOptions: { chunkMs: CHUNK_MS },
		});
		this._node.port.onmessage = (event) => {
			this._emit("level", event.data);
			this._emit("audio", event.data.samples);
		};
		source.connect(this._node);
		this._node.connect(context.destination);
		context.onstatechange = () => {
			if (context.state !== "closed") this._emit("source", context.state === "running" ? "running" : "suspended");
		};
		for (const track of stream ? stream.getAudioTracks() : []) {
			track.onended = () => this._emit("source", "ended");
			track.onmute = () => this._emit("source", "muted");
			track.onunmute = () => this._emit("source", "unmuted");
		}
	}

	/**
	 * @param {MediaStream | HTMLMediaElement} input
	 * @param {{workletUrl?: string | URL, isAudible?: boolean, sampleRate?: number}} [options] `isAudible`: play an
	 *   element's audio too; `sampleRate`: that of a session that is to continue.
	 */
	static async open(input, options = {}) {
		let context = new AudioContext(options.sampleRate ? { sampleRate: options.sampleRate } : {});
		if (context.sampleRate > 96_000) {
			await context.close();
			context = new AudioContext({ sampleRate: 48_000 }); // the server takes up to 96 kHz
		}
		try {
			const url = options.workletUrl || new URL("capture.js", import.meta.url);
			await context.audioWorklet.addModule(url).catch(() => {
				throw new TranscriptionError("the server can't be reached: capture.js was not loaded", { code: 1006 });
			});
			await Promise.race([context.resume(), new Promise((resolve) => setTimeout(resolve, 500))]);
			const isStream = typeof MediaStream !== "undefined" && input instanceof MediaStream;
			const source = isStream
				? context.createMediaStreamSource(input)
				: context.createMediaElementSource(/** @type {HTMLMediaElement} */ (input));
			if (!isStream && options.isAudible) source.connect(context.destination);
			return new Capture(context, source, isStream ? input : null);
		} catch (error) {
			await context.close();
			if (typeof MediaStream !== "undefined" && input instanceof MediaStream) release(input);
			throw error;
		}
	}

	/** Of the samples, in Hz. */
	get sampleRate() {
		return this._context.sampleRate;
	}

	/** Continues after the browser suspended the audio; some allow it only in a click. */
	resume() {
		return this._context.resume();
	}

	/** Delivers the last samples, then lets go of the stream. */
	async close() {
		if (this._context.state === "running") {
			const last = new Promise((resolve) => {
				this.on("level", resolve);
				setTimeout(resolve, 200);
			});
			this._node.port.postMessage("end");
			await last;
		}
		this._source.disconnect();
		if (this._stream) release(this._stream);
		if (this._context.state !== "closed") await this._context.close();
	}
}

/** Transcribes a MediaStream. */
export class Transcriber {
	/**
	 * @param {Capture} capture
	 * @param {Session} session
	 */
	constructor(capture, session) {
		this.capture = capture;
		this.session = session;
		capture.on("audio", (samples) => session.send(samples));
		session.on("close", () => capture.close());
	}

	/**
	 * Starts to capture and to transcribe; audio is kept while the connection opens.
	 * @param {MediaStream | HTMLMediaElement} input
	 * @param {Omit<SessionOptions, "sampleRate"> & {workletUrl?: string | URL, isAudible?: boolean}} [options]
	 * @param {(transcriber: Transcriber) => void} [prepare] Called before the connection opens, to add handlers.
	 * @returns {Promise<Transcriber>} Rejects if no session begins.
	 */
	static async start(input, options = {}, prepare = () => {}) {
		const capture = await Capture.open(input, options);
		const transcriber = new Transcriber(capture, new Session({ ...options, sampleRate: capture.sampleRate }));
		prepare(transcriber);
		await transcriber.session.open();
		return transcriber;
	}

	pause() {
		this.session.pause();
	}

	resume() {
		this.session.resume();
	}

	/** Waits for the last turn, then ends the session. */
	async stop() {
		await this.capture.close();
		return this.session.stop();
	}
}
