/** The names of a room's speakers, for people who may give them. */

import { byId, element } from "./room.js";
import { nameTag } from "./transcript.js";

/** @typedef {import("./room.js").Voice} Voice */

const MOST_CHARACTERS = 50;

/** A field for the name of each speaker, in all lines. */
export class NameFields {
	/**
	 * @param {HTMLElement} list
	 * @param {(voice: number, name: string) => void} rename
	 */
	constructor(list, rename) {
		this._list = list;
		this._rename = rename;
		/** @type {Map<number, {row: HTMLElement, tag: HTMLElement, field: HTMLInputElement}>} */
		this._rows = new Map();
	}

	/** @param {Voice[]} voices */
	show(voices) {
		const speakers = new Set(voices.map((voice) => voice.speaker));
		for (const [speaker, { row }] of this._rows) {
			if (speakers.has(speaker)) continue;
			row.remove();
			this._rows.delete(speaker);
		}
		for (const speaker of speakers) this._show(speaker, voices[speaker].name);
		this._list.hidden = !speakers.size;
		byId("known-names").replaceChildren(...[...speakers].map((speaker) => new Option("", voices[speaker].name)));
	}

	/**
	 * @param {number} speaker
	 * @param {string} name
	 */
	_show(speaker, name) {
		let made = this._rows.get(speaker);
		if (!made) {
			const [row, tag, field] = [element("label", "name-field"), nameTag(speaker, ""), nameField(name)];
			field.addEventListener("change", () => this._rename(speaker, field.value.trim()));
			row.append(tag, field);
			made = { row, tag, field };
			this._rows.set(speaker, made);
			this._list.append(row);
		}
		/** @type {HTMLElement} */ (made.tag.lastChild).textContent = `Name of ${name}`;
		if (document.activeElement !== made.field) made.field.value = name;
	}
}

/** @param {string} name */
function nameField(name) {
	const field = element("input");
	field.type = "text";
	field.maxLength = MOST_CHARACTERS;
	field.autocomplete = "off";
	field.value = name;
	return field;
}

/** @param {string} name Of who says a line now. */
export function lineSpeaker(name) {
	const label = element("label", "", "Speaker of this line ");
	const field = nameField(name);
	field.setAttribute("list", "known-names");
	label.append(field);
	return { label, field };
}
