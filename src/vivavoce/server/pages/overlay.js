/** Captions over a picture, for OBS and projectors. The address styles them, for instance `?lines=3&size=48&tail=1`. */

import { byId, element, RoomFeed, roomOfPage } from "./room.js";
import { RollUp } from "./rollup.js";
import { nameTag } from "./transcript.js";
import { joinWords } from "./words.js";

const LINE_MS = 1_000; // before another line
const HURRIED_LINE_MS = 400; // while many lines wait
const MANY_LINES = 3;

const query = new URLSearchParams(location.search);
const root = document.documentElement;
const captions = byId("captions");

/**
 * Sets a CSS variable by a query parameter; a value that CSS does not know is left out.
 * @param {string} name
 * @param {string} property The property that must take the value.
 * @param {string} [unit] For a bare number.
 */
function style(name, property, unit = "") {
	let value = query.get(name);
	if (!value) return;
	if (unit && /^\d+(\.\d+)?$/.test(value)) value += unit;
	if (/^[0-9a-f]{3,8}$/i.test(value) && property.includes("color")) value = `#${value}`; // "#" ends an address
	if (CSS.supports(property, value)) root.style.setProperty(`--caption-${name}`, value);
	else console.warn(`Vivavoce: ${name}=${value} is not a ${property}; it has no effect`);
}

/**
 * @param {string} name
 * @param {number} least
 * @param {number} most
 * @param {number} usual
 */
function number(name, least, most, usual) {
	const value = Number(query.get(name) || usual);
	return Number.isFinite(value) ? Math.max(least, Math.min(most, value)) : usual;
}

style("size", "font-size", "px");
style("width", "width", "vw");
style("color", "color");
style("background", "background-color");
style("align", "text-align");
style("font", "font-family");
style("weight", "font-weight");
style("edge", "bottom", "px");
root.dataset.position = query.get("position") || "bottom";

const styled = Number(getComputedStyle(root).getPropertyValue("--caption-lines"));
const lines = Math.round(number("lines", 1, 3, styled || 2));
const clearS = number("clear", 0, 600, 8); // 0: never
root.style.setProperty("--caption-lines", String(lines));

const pen = /** @type {CanvasRenderingContext2D} */ (element("canvas").getContext("2d"));

/** @param {string} text */
function fill(text) {
	const { fontStyle, fontWeight, fontSize, fontFamily } = getComputedStyle(captions);
	pen.font = `${fontStyle} ${fontWeight} ${fontSize} ${fontFamily}`;
	const room = captions.clientWidth - parseFloat(fontSize) * 0.8; // what the background adds on both sides
	return pen.measureText(text).width / Math.max(1, room);
}

const rollup = new RollUp({ lines, fill, showsTail: query.get("tail") === "1" });
/** @type {Map<number, HTMLElement>} */
const shown = new Map();
/** @type {number | undefined} */
let clearing;
let lastText = "";
/** @type {number | undefined} */
let rolling;
let rolledAt = -Infinity;

/** Rolls, but gives people the time to see each line: a final turn may bring several at once. */
function roll() {
	clearTimeout(rolling);
	const now = performance.now();
	const intervalMs = rollup.waiting > MANY_LINES ? HURRIED_LINE_MS : LINE_MS;
	if (rollup.waiting && now >= rolledAt + intervalMs) {
		rollup.roll();
		rolledAt = now;
	}
	if (rollup.waiting) rolling = setTimeout(draw, rolledAt + intervalMs - now);
}

function draw() {
	roll();
	const keys = new Set(rollup.shown.map((line) => line.key));
	for (const [key, line] of shown) {
		if (keys.has(key)) continue;
		line.remove();
		shown.delete(key);
	}
	for (const line of rollup.shown) {
		let made = shown.get(line.key);
		if (!made) {
			made = element("div", "line");
			made.append(element("span", "words"));
			shown.set(line.key, made);
			captions.append(made);
		}
		const span = /** @type {HTMLElement} */ (made.firstChild);
		const text = joinWords(line.words);
		const tail = joinWords([text, ...line.tail].filter(Boolean)).slice(text.length);
		if (span.dataset.text === `${text}|${tail}`) continue;
		span.dataset.text = `${text}|${tail}`;
		span.textContent = text;
		if (tail) span.append(element("span", "tail", tail));
	}
	showNames();
	const now = rollup.shown.map((line) => joinWords(line.words)).join("\n");
	if (now === lastText) return;
	lastText = now;
	clearTimeout(clearing);
	if (clearS && now) {
		clearing = setTimeout(() => {
			rollup.clear();
			draw();
		}, clearS * 1000);
	}
}

/** Names the speakers beside the first line, and where they change. */
function showNames() {
	let before = "";
	for (const line of rollup.shown) {
		const made = /** @type {HTMLElement} */ (shown.get(line.key));
		const known = line.voices.map((voice) => voices[voice]).filter(Boolean);
		const now = known.map((voice) => voice.name).join("\n");
		const wanted = now === before ? "" : now;
		before = now;
		if ((made.dataset.names || "") === wanted) continue;
		made.dataset.names = wanted;
		const old = made.querySelector(".names");
		if (old) old.remove();
		if (!wanted) continue;
		const names = element("span", "names");
		names.append(...known.map((voice) => nameTag(voice.speaker, voice.name)));
		made.append(names);
	}
}

/** @param {import("./room.js").Line} line */
function partsOf(line) {
	return (line.parts || []).map(({ voice, text }) => ({ voice: voice === null ? -1 : voice, text }));
}

/** @param {import("./room.js").Line} line */
function addLine(line) {
	rollup.final(line.source, line.text, line.id, partsOf(line));
}

/** @type {import("./room.js").Voice[]} */
let voices = [];
let lastId = -1;
let isFirst = true;

if (query.get("sample") === "1") {
	rollup.final(-1, "The captions appear here, at this size and in these colours, as soon as somebody speaks.");
	draw();
}

new RoomFeed(roomOfPage(), {
	snapshot(snapshot) {
		// After a lost connection: what was missed, at once. At first: nothing that was said before.
		voices = snapshot.voices || [];
		for (const line of isFirst ? [] : snapshot.lines) {
			if (line.id > lastId) addLine(line);
			else if (!line.corrected) rollup.revise(line.id, partsOf(line));
		}
		isFirst = false;
		lastId = snapshot.lines.length ? snapshot.lines[snapshot.lines.length - 1].id : -1;
		for (const partial of snapshot.partials) rollup.partial(partial.source, partial.stable, partial.tail);
		draw();
	},
	line(line) {
		lastId = line.id;
		addLine(line);
		draw();
	},
	correction(line) {
		// Words on the screen are not taken back, but who says them is.
		if (!line.corrected) rollup.revise(line.id, partsOf(line));
		draw();
	},
	voices(now) {
		voices = now;
		draw();
	},
	partial(partial) {
		rollup.partial(partial.source, partial.stable, partial.tail);
		draw();
	},
	state() {},
	connection() {},
});
