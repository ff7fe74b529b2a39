"""Sessions of ONNX Runtime, on the processor or on a GPU, and whether the GPU can be used at all.

The library is a parameter: a machine without a GPU tests the same code, with one that behaves as if it had
one.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from vivavoce.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CPU_PROVIDER", "CUDA_PROVIDER", "Sessions"]

CPU_PROVIDER: Final = "CPUExecutionProvider"
CUDA_PROVIDER: Final = "CUDAExecutionProvider"

_WARNINGS: Final = 2  # the library's default
_ERRORS_ONLY: Final = 3
_NOTHING_BUT_CRASHES: Final = 4
_PROVIDER_OPTIONS: Final = {
    # With the default, products have 10 bits of precision on newer GPUs; and the arena grows by powers of 2.
    CUDA_PROVIDER: {"use_tf32": "0", "arena_extend_strategy": "kSameAsRequested"},
}
_LACKS_CUDA: Final = (
    "the installed ONNX Runtime has no CUDA; run: pip uninstall -y onnxruntime onnxruntime-gpu, then: "
    'pip install "onnxruntime-gpu[cuda,cudnn]" (the two packages may not both be installed)'
)
_DOES_NOT_START: Final = (
    "ONNX Runtime has CUDA but can't start it ({}); check the driver with nvidia-smi, and install CUDA's "
    'libraries: pip install "onnxruntime-gpu[cuda,cudnn]"'
)


class Sessions:
    """Makes sessions."""

    def __init__(self, library: Any) -> None:
        """Take the library.

        Args:
            library: The module ``onnxruntime``, or what behaves like it.
        """
        self._library = library

    def options(self, *, threads: int = 1) -> Any:
        """Options for a session that shares the processor with others.

        Args:
            threads: Threads for one run, of what runs on the processor.

        Returns:
            ``onnxruntime.SessionOptions``.
        """
        options = self._library.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Without this, idle threads spin: measured 67 instead of 37 ms of CPU time a run.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # An arena never returns the memory of the longest utterance; malloc is as fast here.
        options.enable_cpu_mem_arena = False
        options.log_severity_level = _ERRORS_ONLY
        return options

    def open(self, path: Path, *, threads: int = 1, providers: Sequence[str] = (CPU_PROVIDER,)) -> Any:
        """Open a model file.

        Args:
            path: An ``.onnx`` or ``.ort`` file.
            threads: Threads for one run, of what runs on the processor.
            providers: Execution providers, the preferred first; each node runs on the first that can run it.

        Returns:
            An ``onnxruntime.InferenceSession``.

        Raises:
            ModelError: The file is missing or is not a model, or the preferred provider did not start.
        """
        options = self.options(threads=threads)
        wanted = [(each, _PROVIDER_OPTIONS.get(each, {})) for each in providers]
        try:
            # Without a fallback: the library would print lines, and go on with the processor alone.
            session = self._library.InferenceSession(str(path), options, providers=wanted, enable_fallback=0)
        except Exception as error:  # ONNX Runtime raises a dozen types of its own
            raise ModelError(f"{path.name} can't be loaded: {error}") from error
        # A provider whose libraries are missing is left out in silence.
        if providers[0] not in session.get_providers():
            raise ModelError(f"{path.name} can't be loaded: {providers[0]} did not start")
        return session

    def why_no_cuda(self) -> str | None:
        """Find out why CUDA can't be used, by small products on the GPU.

        Call it before other threads print: the library prints what it misses, which is caught here. It takes
        some seconds where there is a GPU.

        Returns:
            What is wrong and what to do, in one line; None: CUDA can be used.
        """
        if CUDA_PROVIDER not in self._library.get_available_providers():
            return _LACKS_CUDA
        said = io.StringIO()
        self._library.set_default_logger_severity(_NOTHING_BUT_CRASHES)
        try:
            with contextlib.redirect_stdout(said):
                # Finds the libraries that pip has installed; from version 1.21 on.
                getattr(self._library, "preload_dlls", lambda: None)()
                self._multiply((CUDA_PROVIDER, CPU_PROVIDER))
        except Exception as error:  # noqa: BLE001 - a broken installation fails in many ways
            first = next((line.strip() for line in said.getvalue().splitlines() if line.strip()), "")
            return _DOES_NOT_START.format(first or " ".join(str(error).split()))
        finally:
            self._library.set_default_logger_severity(_WARNINGS)
        return None

    def _multiply(self, providers: Sequence[str]) -> None:
        """Compute products as the decoder does, of past tokens and of none.

        Raises:
            ModelError: The preferred provider did not start, or they are wrong.
        """
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "product.onnx"
            _write_product(path)
            session = self.open(path, providers=providers)
            for size in (3, 0):
                ones = np.ones((1, size), np.float32)
                [found] = session.run(None, {"row": ones, "column": ones.T})
                if found.tolist() != [[size]]:
                    raise ModelError(f"a product of {size} ones is {found.tolist()}")


def _write_product(path: Path) -> None:
    """Write a graph that multiplies a row, float32 (1, n), by a column, float32 (n, 1)."""
    from onnx import TensorProto  # noqa: PLC0415 - needed only where a GPU is asked for

    from vivavoce.asr.models.onnx.graph_writer import GraphBuilder  # noqa: PLC0415 - loads onnx

    graph = GraphBuilder("product")
    row = graph.input("row", TensorProto.FLOAT, [1, "n"])
    column = graph.input("column", TensorProto.FLOAT, ["n", 1])
    graph.output(graph.node("MatMul", row, column), "product", TensorProto.FLOAT, [1, 1])
    graph.save(path)
