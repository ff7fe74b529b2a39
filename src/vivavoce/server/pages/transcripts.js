/** The page of kept transcripts: lists them, finds words in them, saves and deletes them. */

import { appearance, byId, element, ticketHeaders, trouble } from "./room.js";

/** @typedef {{id: string, began: number, room: string | null, title: string, turns: number}} Kept */
/** @typedef {{text: string, parts?: {name: string | null, text: string}[]}} Found */

const FORMATS = { txt: "text", srt: "SRT", vtt: "WebVTT", json: "JSON" };
const FIRST_PAGE = 50;
const MOST = 1_000; // that the server lists

const list = byId("list");
const words = /** @type {HTMLInputElement} */ (byId("words"));
let limit = FIRST_PAGE;
let asked = 0; // lists so far: an answer that comes after a newer question is dropped

/**
 * @param {string} path Below /transcripts.
 * @param {string} [method]
 */
async function request(path, method = "GET") {
	const options = { method, headers: ticketHeaders(), cache: /** @type {const} */ ("no-store") };
	const response = await fetch(`/transcripts${path}`, options).catch(() => {
		throw new Error("The server can't be reached.");
	});
	if (response.ok) return response;
	if (response.status === 401) throw new Error("Open this page by the link on the speaker's page, which `vivavoce live` opens.");
	const { error } = await response.json().catch(() => ({ error: `status ${response.status}` }));
	throw new Error(`The server answered: ${error}.`);
}

/** @param {() => Promise<void>} work */
async function attempt(work) {
	trouble("");
	await work().catch((error) => trouble(error.message));
}

async function show() {
	const mine = (asked += 1);
	const found = words.value.trim();
	const answer = await (await request(`?limit=${limit}${found && `&q=${encodeURIComponent(found)}`}`)).json();
	if (mine !== asked) return;
	/** @type {{session: Kept, line?: Found}[]} */
	const items = answer.hits || answer.sessions.map((/** @type {Kept} */ session) => ({ session }));
	list.replaceChildren(...items.map(({ session, line }) => item(session, line)));
	const isAll = items.length < limit;
	byId("more").hidden = isAll || limit >= MOST;
	const days = answer.keep_days === 1 ? "1 day" : `${answer.keep_days} days`;
	const kept = answer.keep_days === null ? "until somebody deletes them" : `for ${days}`;
	const what = found ? "Turns with these words" : "Sessions";
	byId("status").textContent = `${what}: ${isAll ? "" : "the newest "}${items.length}. Transcripts are kept ${kept}.`;
}

/**
 * @param {Kept} kept
 * @param {Found} [found] What was found in it.
 */
function item(kept, found) {
	const made = element("li");
	const when = new Date(kept.began * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
	const title = kept.title || kept.room || when;
	const name = title === when ? when : `${title}, ${when}`; // a course has the same title every week
	made.append(element("h2", "", title));
	const turns = `${kept.turns} ${kept.turns === 1 ? "turn" : "turns"}`;
	made.append(element("p", "quiet", [when, kept.room && `room ${kept.room}`, turns].filter(Boolean).join(" · ")));
	if (found) {
		const parts = found.parts || [{ name: "", text: found.text }];
		for (const { name, text } of parts) {
			const row = element("p", "found");
			if (found.parts) row.append(element("b", "", name || "Unknown speaker"), ": ");
			row.append(text);
			made.append(row);
		}
	}
	const buttons = element("div", "buttons");
	for (const [suffix, label] of Object.entries(FORMATS)) {
		buttons.append(button(`Save ${label}`, name, () => save(kept, suffix)));
	}
	buttons.append(button("Delete", name, () => remove(kept, name)));
	made.append(buttons);
	return made;
}

/** @param {string} label @param {string} name @param {() => Promise<void>} work */
function button(label, name, work) {
	const made = element("button", "", label);
	made.type = "button";
	made.setAttribute("aria-label", `${label}: ${name}`);
	made.addEventListener("click", () => attempt(work));
	return made;
}

/** @param {Kept} kept @param {string} suffix */
async function save(kept, suffix) {
	const content = await (await request(`/${kept.id}.${suffix}`)).blob();
	const link = element("a");
	link.href = URL.createObjectURL(content); // a link to the server can't carry the ticket
	link.download = `${kept.room || "transcript"}-${kept.id.slice(0, 8)}.${suffix}`;
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** @param {Kept} kept @param {string} name */
async function remove(kept, name) {
	if (!confirm(`Delete “${name}”, ${kept.turns} turns, for good?`)) return;
	await request(`/${kept.id}`, "DELETE");
	await show();
	words.focus();
}

byId("search").addEventListener("submit", (event) => {
	event.preventDefault();
	limit = FIRST_PAGE;
	attempt(show);
});
byId("more").addEventListener("click", () => {
	const before = list.children.length;
	limit = Math.min(MOST, limit * 4);
	attempt(async () => {
		await show();
		const next = list.children[before];
		if (next) /** @type {HTMLElement} */ (next.querySelector("button")).focus();
	});
});
appearance();
attempt(show);
