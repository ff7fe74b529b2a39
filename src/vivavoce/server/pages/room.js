/** A room as its readers see it: its events; and what its pages share. */

/** @typedef {{voice: number | null, sure: boolean, start: number, end: number, text: string}} Part */
/** @typedef {{id: number, source: number, start: number, end: number, at: number, text: string, corrected: boolean, parts?: Part[]}} Line */
/** @typedef {{name: string, speaker: number}} Voice `speaker`: the first voice of the same name. */
/** @typedef {{source: number, start: number, stable: string, tail: string}} Partial */
/** @typedef {"waiting" | "live" | "paused" | "ended"} RoomState */
/** @typedef {"connecting" | "open" | "lost" | "busy" | "slow" | "missing"} Connection */
/** @typedef {{room: string, title: string, state: RoomState, first: number, lines: Line[], partials: Partial[], voices?: Voice[]}} Snapshot */

/**
 * @typedef {object} Reader Every function is called when its event comes.
 * @property {(snapshot: Snapshot) => void} snapshot Replaces everything.
 * @property {(line: Line) => void} line A new line; it replaces the partial of its source.
 * @property {(line: Line) => void} correction Its text or its speakers have changed.
 * @property {(partial: Partial) => void} partial Replaces the partial of its source.
 * @property {(voices: Voice[]) => void} voices All voices, by number: there is another one, or one has another name.
 * @property {(state: RoomState, title: string) => void} state
 * @property {(connection: Connection, waitS: number) => void} connection `waitS`: until the next attempt.
 */

const SILENCE_MS = 40_000; // the server sends something every 15 s
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;
const LONGEST_WAIT_S = 300;

/** @returns {string} The room's name in this page's address. */
export function roomOfPage() {
	const name = /^\/r\/([^/]+)/.exec(location.pathname);
	return name ? decodeURIComponent(name[1]) : "";
}

/**
 * Follows a room until `close`. It reads the event stream itself rather than by an EventSource, which shows neither
 * a refusal's status nor the server's signs of life, and so can't notice a connection that a phone's sleep has cut.
 */
export class RoomFeed {
	/**
	 * @param {string} room
	 * @param {Reader} reader
	 */
	constructor(room, reader) {
		this._url = `/r/${encodeURIComponent(room)}/events`;
		this._reader = reader;
		this._lastId = "";
		this._failures = 0;
		this._closed = false;
		/** @type {AbortController | null} */
		this._request = null;
		this._wake = () => {};
		this._receivedAt = 0;
		this._check = () => {
			if (document.visibilityState === "hidden") return;
			// After sleep, a connection that looks open may be dead: do not wait for the timer.
			if (this._request && Date.now() - this._receivedAt > SILENCE_MS / 2) this._request.abort();
			this._wake();
		};
		addEventListener("online", this._check);
		addEventListener("pageshow", this._check);
		document.addEventListener("visibilitychange", this._check);
		this._run();
	}

	close() {
		this._closed = true;
		if (this._request) this._request.abort();
		removeEventListener("online", this._check);
		removeEventListener("pageshow", this._check);
		document.removeEventListener("visibilitychange", this._check);
		this._wake();
	}

	async _run() {
		while (!this._closed) {
			let waitS = null;
			try {
				waitS = await this._follow();
			} catch {
				waitS = null; // no network, or the connection broke off
			}
			if (this._closed) return;
			if (waitS === null) {
				const delay = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this._failures);
				this._failures += 1;
				waitS = (delay * (0.75 + 0.5 * Math.random())) / 1000;
				this._reader.connection("lost", Math.ceil(waitS));
			}
			await this._sleep(waitS * 1000);
		}
	}

	/** @param {number} ms */
	_sleep(ms) {
		return new Promise((/** @type {(value?: unknown) => void} */ resolve) => {
			this._wake = resolve;
			setTimeout(resolve, ms);
		});
	}

	/** Reads one response; returns how long to wait before the next, in seconds, or null after a lost connection. */
	async _follow() {
		const request = (this._request = new AbortController());
		this._receivedAt = Date.now();
		const watch = setInterval(() => {
			if (Date.now() - this._receivedAt > SILENCE_MS) request.abort();
		}, 5_000);
		try {
			/** @type {Record<string, string>} */
			const headers = { Accept: "text/event-stream" };
			if (this._lastId) headers["Last-Event-ID"] = this._lastId;
			const response = await fetch(this._url, { headers, cache: "no-store", signal: request.signal });
			if (!response.ok || !response.body) return this._refused(response);
			this._reader.connection("open", 0);
			await this._read(response.body.getReader());
			return null;
		} finally {
			clearInterval(watch);
			request.abort();
			this._request = null;
		}
	}

	/** @param {Response} response */
	_refused(response) {
		const asked = Number(response.headers.get("Retry-After"));
		const waitS = Math.min(LONGEST_WAIT_S, asked > 0 ? asked : 5);
		if (response.status === 429) this._reader.connection("slow", waitS);
		else if (response.status === 503) this._reader.connection("busy", waitS);
		else if (response.status === 404) this._reader.connection("missing", 30);
		else return null;
		// Readers that were refused together must not come back together.
		return response.status === 404 ? 30 : waitS * (1 + 0.25 * Math.random());
	}

	/** @param {ReadableStreamDefaultReader<Uint8Array>} body */
	async _read(body) {
		const decoder = new TextDecoder();
		let rest = "";
		let name = "";
		let data = "";
		for (;;) {
			const { done, value } = await body.read();
			if (done) return;
			this._receivedAt = Date.now();
			rest += decoder.decode(value, { stream: true });
			const lines = rest.split("\n");
			rest = lines.pop() || "";
			for (const line of lines.map((each) => each.replace(/\r$/, ""))) {
				const colon = line.indexOf(":");
				const field = colon < 0 ? line : line.slice(0, colon);
				const text = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
				if (field === "event") name = text;
				else if (field === "data") data += (data && "\n") + text;
				else if (field === "id") this._lastId = text;
				else if (!line) {
					if (data) this._take(name, JSON.parse(data));
					name = data = "";
				}
			}
		}
	}

	/**
	 * @param {string} name
	 * @param {any} data
	 */
	_take(name, data) {
		this._failures = 0;
		const reader = this._reader;
		if (name === "snapshot") reader.snapshot(data);
		else if (name === "line") reader.line(data);
		else if (name === "correction") reader.correction(data);
		else if (name === "partial") reader.partial(data);
		else if (name === "voices") reader.voices(data.voices);
		else if (name === "state") reader.state(data.state, data.title || "");
	}
}

/**
 * Makes an element.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [className]
 * @param {string} [text]
 */
export function element(tag, className = "", text = "") {
	const made = document.createElement(tag);
	if (className) made.className = className;
	if (text) made.textContent = text;
	return made;
}

/**
 * Finds an element of the page that must be there.
 * @template {HTMLElement} [Kind=HTMLElement]
 * @param {string} id
 * @returns {Kind}
 */
export function byId(id) {
	return /** @type {Kind} */ (document.getElementById(id));
}

/**
 * Remembers small things in this browser; where it forbids that, only while the page is open.
 * @param {string} name
 * @param {string} otherwise
 */
export function recall(name, otherwise) {
	try {
		return localStorage.getItem(`vivavoce.${name}`) || otherwise;
	} catch {
		return otherwise;
	}
}

/**
 * @param {string} name
 * @param {string} value
 */
export function remember(name, value) {
	try {
		localStorage.setItem(`vivavoce.${name}`, value);
	} catch {
		// nothing to do: the setting applies until the page is closed
	}
}

let ticket = "";

/**
 * Keeps what admits this page, and those opened from it, to a server with keys, until the tab is closed.
 * @param {string} given
 */
export function keepTicket(given) {
	ticket = given;
	try {
		sessionStorage.setItem("vivavoce.ticket", given);
	} catch {
		// nothing to do: it is kept until the page is closed
	}
}

/** @returns {Record<string, string>} */
export function ticketHeaders() {
	try {
		ticket = ticket || sessionStorage.getItem("vivavoce.ticket") || "";
	} catch {
		// as above
	}
	return ticket ? { Authorization: ticket } : {};
}

/**
 * Says what is wrong.
 * @param {string} text Empty: nothing is.
 */
export function trouble(text) {
	byId("trouble").textContent = text;
	byId("trouble").hidden = !text;
}

/**
 * Lets people choose the colours and the text of a transcript; the controls are optional.
 * @param {() => void} [changed]
 */
export function appearance(changed = () => {}) {
	const root = document.documentElement;
	/** @type {[string, string, (value: string) => void][]} */
	const settings = [
		["theme", "auto", (value) => root.setAttribute("data-theme", value)],
		["size", "1", (value) => root.style.setProperty("--text-scale", value)],
		["spacing", "1.5", (value) => root.style.setProperty("--line-spacing", value)],
	];
	for (const [name, usual, apply] of settings) {
		const value = recall(name, usual);
		apply(value);
		const control = /** @type {HTMLInputElement | null} */ (document.getElementById(name));
		if (!control) continue;
		control.value = value;
		control.addEventListener("input", () => {
			remember(name, control.value);
			apply(control.value);
			changed();
		});
	}
}

/**
 * Points the page's download links at a room.
 * @param {string} room
 */
export function offerDownloads(room) {
	for (const file of ["transcript.txt", "captions.srt", "captions.vtt", "transcript.json"]) {
		const link = /** @type {HTMLAnchorElement} */ (byId(`save-${file.split(".")[1]}`));
		link.href = `/r/${encodeURIComponent(room)}/${file}?download`;
	}
}

/**
 * Connects a button to the panel that it opens; Escape closes it.
 * @param {HTMLElement} button
 * @param {HTMLElement} panel
 */
export function disclosure(button, panel) {
	/** @param {boolean} open */
	const show = (open) => {
		panel.hidden = !open;
		button.setAttribute("aria-expanded", String(open));
	};
	button.addEventListener("click", () => show(Boolean(panel.hidden)));
	panel.addEventListener("keydown", (event) => {
		if (event.key !== "Escape") return;
		show(false);
		button.focus();
	});
	show(false);
}
