/**
 * Roll-up captions: words are added at the end of the last line, and a new line pushes the others up. Lines above the
 * last one never change. It knows neither page nor clock: `fill` measures text, and the page calls `roll`.
 */

import { joinWords, mayNotBegin, splitWords } from "./words.js";

/** @typedef {{voice: number, text: string}} SpokenPart `voice`: of whom; a negative number if nobody knows. */

/** @typedef {{key: number, source: number, words: string[], tail: string[], from: number, turn: OpenTurn, id: number, voices: number[]}} CaptionLine
 * `from`: how many words of its turn are before it; `id`: of its turn, -1 until that is finished; `voices`: who speaks
 * in it, if that is known. */

/** @typedef {{placed: string[], shown: number}} OpenTurn
 * `placed`: its words on the screen, or that were there; `shown`: how many of the last ones are on the last line. */

const SENTENCE_END = /[.!?…。｡！？．]["'”’)\]」』）】]*$/u;
const PHRASE_END = /[,;:–—、､，；：]["'”’)\]」』）】]*$/u;
const HANGING_FILL = 1.1; // how full a line may be with a mark that must not begin the next
const SENTENCE_FILL = 0.55; // how full a line is before it ends after a sentence,
const PHRASE_FILL = 0.7; // after a phrase,
const CONNECTIVE_FILL = 0.75; // before a word that begins a phrase,
const TURN_FILL = 0.4; // or before a turn
const CONNECTIVES = new Set(
	("and but or so because that which who whose where when while if although though than as of in on at to for " +
		"from with without into by about after before between through during under over until since").split(" "),
);
const ORPHAN_WORDS = 4; // of a turn that was cut off, which the turn after a reconnect begins with

export class RollUp {
	/**
	 * @param {object} options
	 * @param {number} options.lines
	 * @param {(text: string) => number} options.fill How much of a line a text fills; above 1 it does not fit.
	 * @param {boolean} [options.showsTail] Whether to show words that may still change.
	 */
	constructor({ lines, fill, showsTail = false }) {
		this._most = lines;
		this._fill = fill;
		this._showsTail = showsTail;
		/** @type {CaptionLine[]} */
		this.lines = [];
		/** @type {Map<number, OpenTurn>} */
		this._turns = new Map();
		this._floor = -1; // the source whose unfinished turn is shown
		/** @type {{turn: OpenTurn} | null} */
		this._orphan = null; // the unfinished turn of a speaker whose connection was lost
		this._keys = 0;
	}

	/**
	 * Shows an unfinished turn. Words of other speakers wait until it ends.
	 * @param {number} source
	 * @param {string} stable
	 * @param {string} tail
	 */
	partial(source, stable, tail) {
		if (this._floor >= 0 && this._floor !== source) return;
		const words = splitWords(stable);
		if (!words.length && !tail) {
			this._leave(source);
			return;
		}
		const turn = this._turn(source, words);
		if (!turn) return;
		this._floor = source;
		const known = samePrefix(turn.placed, words) ? turn.placed.length : boundary(turn.placed, turn.placed.length, words);
		for (const word of words.slice(known)) this._place(source, turn, word, true);
		this._setTail(source, splitWords(tail));
	}

	/**
	 * Shows a finished turn: all its words that are not there yet. No line gets words of two speakers, unless they were
	 * there before it was known who says them.
	 * @param {number} source
	 * @param {string} text
	 * @param {number} [id]
	 * @param {SpokenPart[]} [parts] Who says what.
	 */
	final(source, text, id = -1, parts = []) {
		const words = parts.length ? parts.flatMap((part) => splitWords(part.text)) : splitWords(text);
		const voices = parts.flatMap((part) => splitWords(part.text).map(() => part.voice));
		const turn = this._turn(source, words, true) || { placed: [], shown: 0 };
		this._setTail(source, []);
		const line = this.lines[this.lines.length - 1];
		const shown = line && line.source === source ? turn.shown : 0;
		const from = boundary(turn.placed, turn.placed.length - shown, words);
		if (shown) line.words.length -= shown;
		const again = { placed: turn.placed.slice(0, turn.placed.length - shown), shown: 0 };
		if (line && line.turn === turn && shown) line.turn = again;
		const lines = this.lines.filter((each) => each.turn === turn);
		// Words that are on the line stay on it, unless they no longer fit.
		words.slice(from).forEach((word, at) => {
			const voice = voices[from + at];
			const isOther = at + from > 0 && voice !== voices[from + at - 1];
			this._place(source, again, word, at >= shown, isOther);
		});
		lines.push(...this.lines.filter((each) => each.turn === again));
		for (const each of lines) {
			each.turn = again;
			each.id = id;
			if (voices.length) each.voices = this._voicesOf(each, words, voices);
		}
		this._turns.delete(source);
		if (this._floor === source) this._floor = -1;
	}

	/**
	 * Changes who speaks in the lines of a finished turn, if its words are the same.
	 * @param {number} id
	 * @param {SpokenPart[]} parts
	 */
	revise(id, parts) {
		const words = parts.flatMap((part) => splitWords(part.text));
		const voices = parts.flatMap((part) => splitWords(part.text).map(() => part.voice));
		for (const line of this.lines) {
			if (line.id === id) line.voices = this._voicesOf(line, words, voices);
		}
	}

	/**
	 * Who says the words of a line.
	 * @param {CaptionLine} line
	 * @param {string[]} words Those of its turn, which may have other forms than those on the lines,
	 * @param {number[]} voices and who says each.
	 */
	_voicesOf(line, words, voices) {
		const placed = line.turn.placed;
		const from = boundary(placed, line.from, words);
		const to = boundary(placed, Math.min(placed.length, line.from + line.words.length), words);
		return [...new Set(voices.slice(from, Math.max(to, from + 1)))];
	}

	/** Lines that wait below the screen. */
	get waiting() {
		return Math.max(0, this.lines.length - this._most);
	}

	/** The lines on the screen. */
	get shown() {
		return this.lines.slice(0, this._most);
	}

	/** Moves the lines up by one, if one waits. */
	roll() {
		if (this.waiting) this.lines.shift();
	}

	/** Empties the screen; a turn goes on where it was. */
	clear() {
		this.lines = [];
		this._freeze();
	}

	/** No turn has words on the last line. */
	_freeze() {
		for (const turn of this._turns.values()) turn.shown = 0;
		if (this._orphan) this._orphan.turn.shown = 0;
	}

	/**
	 * The unfinished turn of a source.
	 * @param {number} source
	 * @param {string[]} words
	 * @param {boolean} [isLast]
	 * @returns {OpenTurn | null} Null: too few words to know whether it continues the one that was cut off.
	 */
	_turn(source, words, isLast = false) {
		let turn = this._turns.get(source);
		if (turn) return turn;
		turn = { placed: [], shown: 0 };
		if (this._orphan) {
			if (words.length < 2 && !isLast) return null;
			const orphan = this._orphan;
			const most = Math.min(ORPHAN_WORDS, words.length, orphan.turn.placed.length);
			const same = words.slice(0, most).filter((word, at) => plain(word) === plain(orphan.turn.placed[at])).length;
			if (most && same * 2 >= most) {
				turn = orphan.turn;
				const line = this.lines[this.lines.length - 1];
				if (line && turn.shown) line.source = source;
			}
			this._orphan = null;
		}
		this._turns.set(source, turn);
		return turn;
	}

	/** @param {number} source */
	_leave(source) {
		const turn = this._turns.get(source);
		this._setTail(source, []);
		this._turns.delete(source);
		if (this._floor === source) this._floor = -1;
		if (turn && turn.placed.length) this._orphan = { turn };
	}

	/**
	 * @param {number} source
	 * @param {OpenTurn} turn
	 * @param {string} word
	 * @param {boolean} mayBreak Whether the line may end before it is full.
	 * @param {boolean} [isOther] Whether another speaker begins.
	 */
	_place(source, turn, word, mayBreak, isOther = false) {
		let line = this.lines[this.lines.length - 1];
		if (!line || (isOther && line.words.length) || this._ends(line, source, turn, word, mayBreak)) {
			this._freeze();
			turn.shown = 0;
			line = { key: this._keys, source, words: [], tail: [], from: turn.placed.length, turn, id: -1, voices: [] };
			this._keys += 1;
			this.lines.push(line);
		}
		line.words.push(word);
		line.tail = [];
		turn.placed.push(word);
		turn.shown += 1;
	}

	/**
	 * @param {CaptionLine} line
	 * @param {number} source
	 * @param {OpenTurn} turn
	 * @param {string} word
	 * @param {boolean} mayBreak
	 */
	_ends(line, source, turn, word, mayBreak) {
		if (!line.words.length) return false;
		if (line.source !== source) return true;
		if (line.voices.length && line.turn !== turn) return true; // the next turn may be somebody else's
		const fill = this._fill(joinWords([...line.words, word]));
		if (mayNotBegin(word)) return fill > HANGING_FILL; // it may hang over the end of a full line
		if (fill > 1) return true;
		if (!mayBreak) return false;
		const full = this._fill(joinWords(line.words));
		const last = line.words[line.words.length - 1];
		if (!turn.placed.length) return full > TURN_FILL;
		if (SENTENCE_END.test(last)) return full > SENTENCE_FILL;
		if (PHRASE_END.test(last)) return full > PHRASE_FILL;
		return CONNECTIVES.has(plain(word)) && full > CONNECTIVE_FILL;
	}

	/**
	 * @param {number} source
	 * @param {string[]} words
	 */
	_setTail(source, words) {
		const line = this.lines[this.lines.length - 1];
		if (!line || line.source !== source) return;
		line.tail = [];
		if (!this._showsTail) return;
		for (const word of words) {
			if (this._fill(joinWords([...line.words, ...line.tail, word])) > 1) return;
			line.tail.push(word);
		}
	}
}

/** @param {string} word */
function plain(word) {
	return word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
}

/**
 * @param {string[]} placed
 * @param {string[]} words
 */
function samePrefix(placed, words) {
	return placed.length <= words.length && placed.every((word, at) => word === words[at]);
}

/**
 * @param {string} one
 * @param {string} other
 */
function difference(one, other) {
	if (one === other) return 0;
	if (/\d/.test(one) !== /\d/.test(other)) return 0.6; // a number, in words and in figures
	return one.slice(0, 3) === other.slice(0, 3) ? 0.5 : 1;
}

/**
 * Finds where words go on after others that say the same, perhaps in another form: by the alignment with the fewest
 * differences (Levenshtein, 1966), whose end in `words` is free.
 * @param {string[]} placed
 * @param {number} count How many of the placed words are before the boundary.
 * @param {string[]} words
 * @returns {number} How many of the words are before it.
 */
export function boundary(placed, count, words) {
	const rows = placed.map(plain);
	const columns = words.map(plain);
	const cost = [columns.map((_, at) => at)];
	cost[0].push(columns.length);
	rows.forEach((row, at) => {
		const line = [at + 1];
		columns.forEach((column, to) => {
			line.push(Math.min(cost[at][to] + difference(row, column), cost[at][to + 1] + 1, line[to] + 1));
		});
		cost.push(line);
	});
	let row = rows.length;
	let column = cost[row].indexOf(Math.min(...cost[row])); // the first: no word is left out
	while (row > count) {
		const here = cost[row][column];
		if (column > 0 && here === cost[row - 1][column - 1] + difference(rows[row - 1], columns[column - 1])) {
			row -= 1;
			column -= 1;
		} else if (here === cost[row - 1][column] + 1) row -= 1;
		else column -= 1;
	}
	return column;
}
