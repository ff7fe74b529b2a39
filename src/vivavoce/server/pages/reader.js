/** The reader's page: follows the live line until somebody scrolls back. */

import { appearance, byId, disclosure, offerDownloads, recall, remember, RoomFeed, roomOfPage } from "./room.js";
import { TranscriptView } from "./transcript.js";

const STATES = {
	waiting: "Waiting for the speaker",
	live: "Live",
	paused: "Paused: the speaker may come back",
	ended: "Ended",
};
const NEAR_PX = 48; // from the end of the text, which counts as its end

const scroller = byId("scroller");
const status = byId("status");
const follow = byId("follow");
const room = roomOfPage();

let following = true;
let unseen = 0; // lines that came while the reader was scrolled back
let lastTop = 0;
/** @type {import("./room.js").RoomState} */
let state = "waiting";
/** @type {import("./room.js").Connection} */
let connection = "connecting";
let waitS = 0;

function showStatus() {
	let text = STATES[state] || STATES.waiting;
	let kind = state === "live" ? "live" : "";
	if (connection === "connecting") text = "Connecting";
	else if (connection !== "open") {
		kind = "trouble";
		text = {
			lost: "Connection lost: trying again",
			busy: `The server has as many readers as it can take: trying again in ${waitS} s`,
			slow: `Too many attempts from here: trying again in ${waitS} s`,
			missing: "There is no room at this address: check the link",
		}[connection];
	}
	if (status.textContent !== text) status.textContent = text; // a screen reader reads each change
	status.dataset.kind = kind;
	byId("empty").hidden = !view.isEmpty;
}

function scrollToEnd() {
	scroller.scrollTop = scroller.scrollHeight;
	lastTop = scroller.scrollTop;
}

/** @param {boolean} now */
function setFollowing(now) {
	following = now;
	if (now) unseen = 0;
	follow.hidden = now;
	showUnseen();
}

function showUnseen() {
	follow.textContent = unseen ? `Back to live (${unseen} new)` : "Back to live";
}

function grown() {
	if (following) scrollToEnd();
}

scroller.addEventListener("scroll", () => {
	const rest = scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop;
	if (rest < NEAR_PX) setFollowing(true);
	else if (scroller.scrollTop < lastTop - 2) setFollowing(false); // growing text never scrolls up: a person did
	lastTop = scroller.scrollTop;
});
follow.addEventListener("click", () => {
	setFollowing(true);
	scrollToEnd();
	scroller.focus();
});
addEventListener("resize", grown);

const view = new TranscriptView(byId("transcript"), { added: grown });

/** @param {string} [title] */
function showTitle(title) {
	byId("title").textContent = title || room;
	document.title = `${title || room}: live captions`;
}

const partials = /** @type {HTMLInputElement} */ (byId("partials"));
partials.checked = recall("partials", "yes") === "yes";
function showPartials() {
	byId("transcript").classList.toggle("finals-only", !partials.checked);
	grown();
}
partials.addEventListener("change", () => {
	remember("partials", partials.checked ? "yes" : "no");
	showPartials();
});

offerDownloads(room);
appearance(grown);
disclosure(byId("options-button"), byId("options"));
new ResizeObserver(grown).observe(scroller);
showTitle();
showPartials();
showStatus();

new RoomFeed(room, {
	snapshot(snapshot) {
		view.snapshot(snapshot);
		state = snapshot.state;
		showTitle(snapshot.title);
		showStatus();
	},
	line(line) {
		if (!following) {
			unseen += 1;
			showUnseen();
		}
		view.line(line);
		showStatus();
	},
	correction(line) {
		view.correction(line);
	},
	partial(partial) {
		view.partial(partial);
		byId("empty").hidden = !view.isEmpty;
	},
	voices(voices) {
		view.setVoices(voices);
	},
	state(now, title) {
		state = now;
		showTitle(title);
		showStatus();
	},
	connection(now, seconds) {
		connection = now;
		waitS = Math.ceil(seconds);
		showStatus();
	},
});
