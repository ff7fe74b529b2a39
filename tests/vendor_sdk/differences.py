"""The tests of the vendor's SDK that ours does not pass, and why; docs/how-to/migrating.md tells users."""

from __future__ import annotations

from collections import Counter
from typing import Final

__all__ = ["REASONS", "differences_table"]

_AGENT = "the user agent is ours"
_TIMEOUT = "the handshake may take 5 s, not 1 s"
_JOINS = "short pieces are joined to messages that the protocol allows"
_CONNECT_RAISES = "connect() raises an error"
_HANDLERS = "the exception of a handler is raised by a later call"
_AFTER_END = "stream() after the end of the session raises an error"
_BEGIN = "connect() waits for the beginning of the session, which this script sends later"
_ERROR_TEXT = "the text of an error begins with the meaning of its code"
_RANGES = "values out of range are refused"
_INSIDE = "it drives or replaces parts inside the vendor's client that ours does not have"
_NO_BATCH = "there is no transcription of uploaded files"
_MICROPHONE = "the microphone needs sounddevice, not PyAudio"
_RELOAD = "settings that a program assigned survive reload()"
_ODD = "a piece may end within a sample; the rest comes with the next one"

_STREAMING = {
    _AGENT: (
        "test_client_connect",
        "test_client_connect_with_token",
        "test_client_connect_all_parameters",
        "test_client_connect_with_u3_pro_and_prompt",
    ),
    _TIMEOUT: ("test_client_connect_with_webhook",),
    _JOINS: ("test_client_send_audio",),
    _CONNECT_RAISES: (
        "test_invalid_status_401_during_connect",
        "test_client_connect_exhausts_retries_then_reports_error",
        "test_client_connect_does_not_retry_invalid_status",
        "test_client_connect_retries_disabled",
    ),
    _HANDLERS: (
        "test_handler_exception_does_not_block_shutdown",
        "test_message_handler_exception_does_not_kill_read_thread",
        "test_warning_handler_exception_does_not_kill_read_thread",
    ),
    _INSIDE: (
        "test_error_event_then_close_fires_only_once",
        "test_report_connection_closed_suppresses_dispatch_when_server_error_flag_set",
        "test_disconnect_terminate_sends_terminate_after_stop_set",
        "test_disconnect_terminate_enqueues_when_stop_already_set",
        "test_write_thread_close_is_drained_by_read_thread",
    ),
}
_ASYNC = {
    _AGENT: ("test_client_connect_builds_uri_and_headers",),
    _JOINS: (
        "test_stream_bytes_writes_to_socket",
        "test_stream_sync_iterable",
        "test_stream_async_iterable",
    ),
    _BEGIN: (
        "test_begin_event_dispatched_to_handler",
        "test_async_handler_is_awaited",
        "test_sync_and_async_handlers_can_mix",
        "test_disconnect_during_slow_handler_tears_down",
    ),
    _ERROR_TEXT: ("test_error_event_then_close_fires_only_once",),
    _HANDLERS: (
        "test_turn_handler_exception_does_not_kill_read_task",
        "test_warning_handler_exception_does_not_kill_read_task",
        "test_handler_exception_does_not_block_shutdown",
    ),
    _AFTER_END: (
        "test_stream_after_close_is_noop",
        "test_server_error_dedups_concurrent_write_side_close",
    ),
    _CONNECT_RAISES: (
        "test_invalid_status_during_connect_dispatches_error",
        "test_connect_after_handshake_failure_raises",
        "test_connect_exhausts_retries_then_reports_error",
        "test_connect_timeout_is_honored_then_retried",
        "test_connect_does_not_retry_invalid_status",
    ),
    _INSIDE: (
        "test_terminate_session_bypasses_stop_gate",
        "test_create_temporary_token",
        "test_disconnect_closes_http_client_when_used",
        "test_write_side_close_is_dispatched_when_read_short_circuits_on_stop",
    ),
    _RANGES: ("test_create_temporary_token_forwards_zero_expires",),
}
_BY_FILE = {
    "test_streaming": _STREAMING,
    "test_streaming_async": _ASYNC,
    "test_streaming_dual_channel": {_ODD: ("test_mixer_rejects_odd_length_pcm",)},
    "test_realtime_transcriber": {
        _CONNECT_RAISES: ("test_realtime_connect_fails",),
        _INSIDE: (
            "test_realtime__read_succeeds",
            "test_realtime__read_fails",
            "test_realtime__write_succeeds",
            "test_create_temporary_token",
        ),
    },
    "test_client": {_NO_BATCH: ("test_reset_client_on_settings_change",)},
    "test_imports": {
        _NO_BATCH: ("test_import_sdk_and_use_extra_functions_without_extras_installed",),
        _MICROPHONE: ("test_import_sdk_and_use_MicrophoneStream_with_extras_installed",),
    },
    "test_settings": {_RELOAD: ("test_base_url_settings",)},
}

REASONS: Final[dict[str, str]] = {
    f"{file}::{test}": reason
    for file, by_reason in _BY_FILE.items()
    for reason, tests in by_reason.items()
    for test in tests
}
"""Why each of them fails, by file and name."""


def differences_table() -> str:
    """Return the reasons and how many tests each has, as Markdown for docs/how-to/migrating.md."""
    lines = ["| what they expect otherwise | tests |", "|---|---|"]
    lines += [f"| {reason} | {count} |" for reason, count in Counter(REASONS.values()).most_common()]
    return "\n".join(lines)
