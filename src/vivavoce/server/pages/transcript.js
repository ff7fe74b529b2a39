/** The transcript on a page, and who speaks in it. */

import { element } from "./room.js";
import { joinWords } from "./words.js";

/** @typedef {import("./room.js").Line} Line */
/** @typedef {import("./room.js").Voice} Voice */
/** @typedef {{line: Line, index: number}} Place `index`: of the part. */
/** @typedef {{line: Line, paragraphs: HTMLElement[]}} Shown */

const STYLES = 8; // colours and shapes in voices.css
const NOBODY = -1; // the speaker of a part that nobody knows

/**
 * Makes a name with its shape and colour.
 * @param {number} speaker
 * @param {string} name
 */
export function nameTag(speaker, name) {
	const tag = element("span", "who");
	tag.append(element("span", "shape"), element("span", "name", name));
	setStyle(tag, speaker);
	return tag;
}

/**
 * @param {HTMLElement} tag
 * @param {number} speaker
 */
export function setStyle(tag, speaker) {
	tag.dataset.voice = speaker < 0 ? "none" : String(speaker % STYLES);
}

/**
 * Lines that come while the page is open are a live region, so that a screen reader reads each one once; what was there
 * before, and partials, are not. A line of several speakers has a paragraph for each of them.
 */
export class TranscriptView {
	/**
	 * @param {HTMLElement} root
	 * @param {{added?: () => void, decorate?: (paragraph: HTMLElement) => void, isSilent?: boolean}} [options]
	 *   `added`: called when the text has grown; `decorate`: adds something to a paragraph; `isSilent`: no live region.
	 */
	constructor(root, options = {}) {
		this._options = options;
		this._earlier = element("div", "earlier");
		this._log = element("div", "log");
		this._log.setAttribute("role", "log");
		this._log.setAttribute("aria-live", options.isSilent ? "off" : "polite");
		this._log.setAttribute("aria-relevant", "additions");
		this._log.setAttribute("aria-label", "Live transcript");
		this._partials = element("div", "partials");
		this._partials.setAttribute("aria-hidden", "true");
		root.append(this._earlier, this._log, this._partials);
		/** @type {Map<number, Shown>} */
		this._lines = new Map();
		/** @type {WeakMap<HTMLElement, Place>} */
		this._places = new WeakMap(); // what is in a paragraph
		/** @type {Map<number, HTMLElement>} */
		this._open = new Map(); // paragraphs of partials, by source
		/** @type {Voice[]} */
		this.voices = [];
		/** @type {HTMLElement | null} */
		this._last = null; // the newest paragraph
	}

	get isEmpty() {
		return !this._lines.size && !this._open.size;
	}

	/** @param {import("./room.js").Snapshot} snapshot */
	snapshot(snapshot) {
		this._lines.clear();
		this._open.clear();
		this._last = null;
		this.voices = snapshot.voices || [];
		this._log.textContent = "";
		this._partials.textContent = "";
		this._earlier.textContent = "";
		if (snapshot.first > 0) {
			this._earlier.append(element("p", "note", "Earlier lines are in the download."));
		}
		for (const line of snapshot.lines) this._add(line, this._earlier);
		for (const partial of snapshot.partials) this.partial(partial);
		this._grown();
	}

	/** @param {Line} line */
	line(line) {
		if (this._lines.has(line.id)) {
			this.correction(line);
			return;
		}
		this._remove(line.source);
		this._add(line, this._log);
		this._grown();
	}

	/** @param {Line} line */
	correction(line) {
		const shown = this._lines.get(line.id);
		if (!shown) return;
		shown.line = line;
		this._renew(line.id);
	}

	/** @param {Voice[]} voices */
	setVoices(voices) {
		this.voices = voices;
		this._showSpeakers();
		this._grown();
	}

	/** @param {import("./room.js").Partial} partial */
	partial(partial) {
		if (!partial.stable && !partial.tail) {
			this._remove(partial.source);
			return;
		}
		let paragraph = this._open.get(partial.source);
		if (!paragraph) {
			paragraph = element("p", "partial");
			paragraph.append(element("span", "stable"), element("span", "tail"));
			this._open.set(partial.source, paragraph);
			this._partials.append(paragraph);
		}
		const [stable, tail] = paragraph.children;
		if (stable.textContent !== partial.stable) stable.textContent = partial.stable;
		const whole = joinWords([partial.stable, partial.tail].filter(Boolean));
		tail.textContent = whole.slice(partial.stable.length);
		this._grown();
	}

	/** @param {HTMLElement} paragraph */
	place(paragraph) {
		return /** @type {Place} */ (this._places.get(paragraph));
	}

	/**
	 * Lets a paragraph be edited: until `release`, no news change it.
	 * @param {HTMLElement} paragraph
	 * @param {HTMLElement} editor
	 */
	hold(paragraph, editor) {
		paragraph.classList.add("held");
		paragraph.append(editor);
	}

	/**
	 * Ends editing, and shows what came meanwhile.
	 * @param {HTMLElement} paragraph
	 */
	release(paragraph) {
		paragraph.querySelector(".editor")?.remove();
		paragraph.classList.remove("held");
		this._renew(this.place(paragraph).line.id);
	}

	/** @param {number} source */
	_remove(source) {
		const paragraph = this._open.get(source);
		if (paragraph) paragraph.remove();
		this._open.delete(source);
	}

	/**
	 * @param {Line} line
	 * @param {HTMLElement} where
	 */
	_add(line, where) {
		/** @type {Shown} */
		const shown = { line, paragraphs: [] };
		this._lines.set(line.id, shown);
		this._fill(shown, where);
		this._follow(shown.paragraphs);
	}

	/** @param {number} id Of a line that has changed. */
	_renew(id) {
		const shown = this._lines.get(id);
		if (!shown || shown.paragraphs.some((paragraph) => paragraph.classList.contains("held"))) return;
		this._fill(shown, this._log);
		this._showSpeakers();
		this._grown();
	}

	/**
	 * @param {Shown} shown
	 * @param {HTMLElement} where
	 */
	_fill({ line, paragraphs }, where) {
		const texts = line.parts ? line.parts.map((part) => part.text) : [line.text];
		texts.forEach((text, index) => {
			let paragraph = paragraphs[index];
			if (!paragraph) {
				paragraph = element("p", "line");
				if (index) paragraphs[index - 1].after(paragraph);
				else where.append(paragraph);
				paragraphs.push(paragraph);
			}
			const before = this._places.get(paragraph);
			this._places.set(paragraph, { line, index });
			const isLast = index === texts.length - 1;
			const isMarked = line.corrected && isLast;
			// Where only the speaker has changed the text stays, for the focus and for screen readers.
			const textNow = paragraph.querySelector(".text");
			if (before && textNow?.textContent === text && isMarked === Boolean(paragraph.querySelector(".mark"))) return;
			paragraph.textContent = "";
			paragraph.append(element("span", "text", text));
			if (isMarked) paragraph.append(" ", element("span", "mark", "corrected"));
			if (this._options.decorate) this._options.decorate(paragraph);
		});
		for (const gone of paragraphs.splice(texts.length)) gone.remove();
	}

	_showSpeakers() {
		this._last = null;
		for (const { paragraphs } of this._lines.values()) this._follow(paragraphs);
	}

	/** @param {HTMLElement[]} paragraphs The next ones. */
	_follow(paragraphs) {
		for (const paragraph of paragraphs) {
			this._showSpeaker(paragraph, this._last);
			this._last = paragraph;
		}
	}

	/**
	 * Shows who speaks, if that changes here.
	 * @param {HTMLElement} paragraph
	 * @param {HTMLElement | null} before
	 */
	_showSpeaker(paragraph, before) {
		const { line, index } = this.place(paragraph);
		const part = line.parts && line.parts[index];
		const speaker = this.speakerOf(paragraph);
		const earlier = before ? this.speakerOf(before) : null;
		const isOther = before !== null && (part ? speaker !== earlier : this.place(before).line.source !== line.source);
		paragraph.classList.toggle("other", isOther);
		/** @type {HTMLElement | null} */
		let tag = paragraph.querySelector(".who");
		if (part && speaker !== null) setStyle(paragraph, speaker);
		else delete paragraph.dataset.voice;
		if (!part || speaker === null || (before && !isOther)) {
			if (tag) tag.remove();
			return;
		}
		const name = this.nameOf(part.voice, part.sure);
		if (!tag) {
			tag = nameTag(speaker, name);
			paragraph.prepend(tag);
			return;
		}
		setStyle(tag, speaker);
		const text = /** @type {Text} */ (/** @type {HTMLElement} */ (tag.lastChild).firstChild);
		if (text.data !== name) text.data = name; // not a new node, which a screen reader would read
	}

	/**
	 * Its number; null: the session labels none.
	 * @param {HTMLElement} paragraph
	 */
	speakerOf(paragraph) {
		const { line, index } = this.place(paragraph);
		const part = line.parts && line.parts[index];
		if (!part) return null;
		const voice = part.voice === null ? undefined : this.voices[part.voice];
		return voice ? voice.speaker : NOBODY;
	}

	/**
	 * @param {number | null} voice
	 * @param {boolean} [isSure]
	 */
	nameOf(voice, isSure = true) {
		const known = voice === null ? undefined : this.voices[voice];
		if (!known) return "Unknown speaker";
		return isSure ? known.name : `${known.name}?`;
	}

	_grown() {
		if (this._options.added) this._options.added();
	}
}
