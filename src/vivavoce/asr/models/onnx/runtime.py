"""ONNX Runtime, set up for a server with many sessions. No other module imports the library.

From version 1.29 on, the library reports to its maker by default: the import alone writes a device id into
the user's cache folder, and some seconds later the first events are sent. The library reads the variable
below once, when it loads. Its function ``disable_telemetry_events`` comes too late for the device id and
for the first event, so the variable is set here, ahead of the only import.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort

from vivavoce.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["open_model", "save_as_onnx", "session_options"]

# If the host program imported the library first, the variable came too late: the device id is written and the
# first event is sent. This suppresses the later events that the library calls non-essential.
ort.disable_telemetry_events()

_ERRORS_ONLY: Final = 3


def session_options(*, threads: int = 1) -> Any:
    """Options for a session that shares the processor with others.

    Args:
        threads: Threads for one run.

    Returns:
        ``onnxruntime.SessionOptions``.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Without this, idle threads spin: measured 67 instead of 37 ms of CPU time a run.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # An arena never returns the memory of the longest utterance; malloc is as fast here.
    options.enable_cpu_mem_arena = False
    options.log_severity_level = _ERRORS_ONLY
    return options


def open_model(path: Path, *, threads: int = 1) -> Any:
    """Open a model file on the CPU.

    Args:
        path: An ``.onnx`` or ``.ort`` file.
        threads: Threads for one run.

    Returns:
        An ``onnxruntime.InferenceSession``.

    Raises:
        ModelError: The file is missing or is not a model.
    """
    options = session_options(threads=threads)
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises a dozen types of its own
        raise ModelError(f"{path.name} can't be loaded: {error}") from error


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
