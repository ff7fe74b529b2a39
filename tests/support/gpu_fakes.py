"""A machine with a GPU for ONNX Runtime's users: sessions compute on the CPU and say that CUDA does it."""

from vivavoce.asr.models.devices import Device
from vivavoce.asr.models.onnx import runtime
from vivavoce.asr.models.onnx.sessions import CPU_PROVIDER, CUDA_PROVIDER

GPU = Device("cuda", (CPU_PROVIDER,))
"""What is done for a GPU, by the CPU's provider."""


class GpuSession:
    """A session of the CPU under the name of other providers."""

    def __init__(self, session, providers, failure, factor):
        self._factor = factor
        self._session = session
        self._providers = providers
        self._failure = failure

    def get_providers(self):
        return self._providers

    def run(self, *arguments):
        if self._failure is not None:
            raise self._failure
        return [value * self._factor for value in self._session.run(*arguments)]


class Library:
    """Behaves like ONNX Runtime.

    Attributes:
        wanted: Providers and options of each session that was opened.
        severities: Of the library's own log, as they were set.
    """

    def __init__(
        self,
        *,
        built=(CUDA_PROVIDER, CPU_PROVIDER),
        starts=(CUDA_PROVIDER, CPU_PROVIDER),
        says="",
        failure=None,
        factor=1,
    ):
        self.wanted = []
        self.severities = []
        self.SessionOptions = runtime.ort.SessionOptions
        self.InferenceSession = self._open
        self._built = list(built)
        self._starts = starts
        self._failure = failure
        self._factor = factor
        if says is not None:  # None: a release that finds no libraries itself
            self.preload_dlls = lambda: print(says, end="")

    def get_available_providers(self):
        return self._built

    def set_default_logger_severity(self, severity):
        self.severities.append(severity)

    def _open(self, path, options, *, providers, enable_fallback):
        assert enable_fallback == 0
        self.wanted.append(providers)
        session = runtime.ort.InferenceSession(path, options, providers=[CPU_PROVIDER])
        # As the library does: what does not start is left out, and what is left computes.
        return GpuSession(
            session, [name for name, _ in providers if name in self._starts], self._failure, self._factor
        )
