"""ONNX Runtime, set up for a server with many sessions. No other module imports the library.

From version 1.29 on, the library reports to its maker by default: the import alone writes a device id into
the user's cache folder, and some seconds later the first events are sent. The library reads the variable
below once, when it loads. Its function ``disable_telemetry_events`` comes too late for the device id and
for the first event, so the variable is set here, ahead of the only import.
"""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any, Final

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort

from vivavoce.asr.models.onnx.sessions import CPU_PROVIDER, Sessions
from vivavoce.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["open_model", "save_as_onnx", "session_options", "why_no_gpu"]

# If the host program imported the library first, the variable came too late: the device id is written and the
# first event is sent. This suppresses the later events that the library calls non-essential.
ort.disable_telemetry_events()

_ERRORS_ONLY: Final = 3

_sessions: Final = Sessions(ort)


def session_options(*, threads: int = 1) -> Any:
    """Options for a session that shares the processor with others; see `Sessions.options`."""
    return _sessions.options(threads=threads)


def open_model(path: Path, *, threads: int = 1, providers: Sequence[str] = (CPU_PROVIDER,)) -> Any:
    """Open a model file; see `Sessions.open`."""
    return _sessions.open(path, threads=threads, providers=providers)


@functools.cache
def why_no_gpu() -> str | None:
    """Find out, once in a process, why no GPU can be used; see `Sessions.why_no_cuda`."""
    return _sessions.why_no_cuda()


def save_as_onnx(source: Path, target: Path) -> None:
    """Convert a model to ONNX without optimising its graph.

    Args:
        source: An ``.ort`` file.
        target: The ``.onnx`` file to write.

    Raises:
        ModelError: The source is missing or is not a model.
    """
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.optimized_model_filepath = str(target)
    options.add_session_config_entry("session.save_model_format", "ONNX")
    options.log_severity_level = _ERRORS_ONLY
    try:
        ort.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises a dozen types of its own
        raise ModelError(f"{source.name} can't be converted: {error}") from error
