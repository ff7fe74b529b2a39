"""What the vendor's documentation shows for `websocket-client`: callbacks, and a thread that sends audio."""

import json
import threading
from urllib.parse import urlencode

import websocket
from common import CONFIG, KEY, RATE, chunks, report

IS_V3 = CONFIG["protocol"] == "v3"
PATH, TERMINATE = (
    ("/v3/ws", {"type": "Terminate"}) if IS_V3 else ("/v2/realtime/ws", {"terminate_session": True})
)
PARAMETERS = {"sample_rate": RATE, "format_turns": True} if IS_V3 else {"sample_rate": RATE}
URL = f"{CONFIG['base_url']}{PATH}?{urlencode(PARAMETERS | CONFIG['options'])}"
ended = threading.Event()


def on_open(app):
    def send_audio():
        for chunk in chunks():
            app.send(chunk, websocket.ABNF.OPCODE_BINARY)
        app.send(json.dumps(TERMINATE))
        ended.wait(5)
        app.close()

    threading.Thread(target=send_audio, daemon=True).start()


def on_message(_app, text):
    message = json.loads(text)
    kind = message["type"] if IS_V3 else message["message_type"]
    if kind == "Begin":
        report("begin", id=message["id"])
    elif kind == "SessionBegins":
        report("begin", id=message["session_id"])
    elif kind == "Turn":
        # The program takes every formatted turn for the end of one.
        report(
            "turn",
            text=message["transcript"],
            is_final=message["turn_is_formatted"],
            order=message["turn_order"],
            words=[it | {"is_final": it["word_is_final"]} for it in message["words"]],
            is_formatted=message["turn_is_formatted"],
        )
    elif kind in {"PartialTranscript", "FinalTranscript"}:
        report(
            "turn",
            text=message["text"],
            is_final=kind == "FinalTranscript",
            words=message["words"],
            start=message["audio_start"],
            end=message["audio_end"],
        )
    elif kind == "Termination":
        report(
            "end", audio_s=message["audio_duration_seconds"], session_s=message["session_duration_seconds"]
        )
        ended.set()
    elif kind == "SessionTerminated":
        ended.set()


def on_error(_app, error):
    if isinstance(error, Exception):  # otherwise the server's close frame
        report("error", text=str(error))


app = websocket.WebSocketApp(
    URL,
    header={"Authorization": KEY},
    on_open=on_open,
    on_message=on_message,
    on_error=on_error,
    on_close=lambda _app, code, reason: report("closed", code=code, text=reason),
)
app.run_forever()
report("done")
