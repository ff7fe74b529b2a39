"""Sessions on a GPU: with a library that behaves as if there were one."""

import numpy as np
import pytest
from onnx import TensorProto

from support.gpu_fakes import Library
from vivavoce.asr.models.onnx import runtime
from vivavoce.asr.models.onnx.graph_writer import GraphBuilder
from vivavoce.asr.models.onnx.sessions import CPU_PROVIDER, CUDA_PROVIDER, Sessions
from vivavoce.errors import ModelError

BOTH = (CUDA_PROVIDER, CPU_PROVIDER)


@pytest.fixture
def double(tmp_path):
    """A graph that doubles its input."""
    graph = GraphBuilder("double")
    x = graph.input("x", TensorProto.FLOAT, ["n"])
    graph.output(graph.node("Add", x, x), "y", TensorProto.FLOAT, ["n"])
    graph.save(tmp_path / "double.onnx")
    return tmp_path / "double.onnx"


def doubled(session):
    [found] = session.run(None, {"x": np.array([1, 2], np.float32)})
    return found.tolist()


def test_a_session_runs_on_the_processor_unless_another_provider_is_named(double):
    library = Library()
    assert doubled(Sessions(library).open(double)) == [2, 4]
    assert library.wanted == [[(CPU_PROVIDER, {})]]
    session = Sessions(runtime.ort).open(double)
    assert session.get_providers() == [CPU_PROVIDER]
    assert doubled(session) == [2, 4]


def test_a_gpu_computes_floats_with_all_their_bits(double):
    library = Library()
    assert doubled(Sessions(library).open(double, providers=BOTH)) == [2, 4]
    [[(first, options), second]] = library.wanted
    assert (first, second) == (CUDA_PROVIDER, (CPU_PROVIDER, {}))
    assert options["use_tf32"] == "0"


def test_a_provider_that_is_left_out_in_silence_is_an_error(double):
    with pytest.raises(
        ModelError, match=r"double\.onnx can't be loaded: CUDAExecutionProvider did not start"
    ):
        Sessions(Library(starts=(CPU_PROVIDER,))).open(double, providers=BOTH)


def test_the_installed_library_on_a_provider_that_it_lacks(double):
    other = "DmlExecutionProvider"  # of another system
    with pytest.raises(ModelError, match=f"{other} did not start"), pytest.warns(UserWarning, match=other):
        Sessions(runtime.ort).open(double, providers=(other, CPU_PROVIDER))


def test_cuda_that_starts():
    library = Library()
    assert Sessions(library).why_no_cuda() is None
    assert [[name for name, _ in providers] for providers in library.wanted] == [list(BOTH)]


def test_a_release_without_a_way_to_find_libraries():
    assert Sessions(Library(says=None)).why_no_cuda() is None


def test_a_library_without_cuda_names_the_package_to_install():
    library = Library(built=(CPU_PROVIDER,))
    reason = Sessions(library).why_no_cuda()
    assert 'pip install "onnxruntime-gpu[cuda,cudnn]"' in reason
    assert "may not both be installed" in reason
    assert library.wanted == []


@pytest.mark.parametrize(
    ("behaviour", "detail"),
    [
        ({"starts": (CPU_PROVIDER,)}, "product.onnx can't be loaded: CUDAExecutionProvider did not start"),
        (
            {"starts": (CPU_PROVIDER,), "says": "\nFailed to load libcublas.so.12\nSee the page.\n"},
            "Failed to load libcublas.so.12",
        ),
        ({"factor": 2}, "a product of 3 ones is [[6.0]]"),
        (
            {"failure": RuntimeError("CUDA failure 209:\n no kernel image")},
            "CUDA failure 209: no kernel image",
        ),
    ],
)
def test_cuda_that_does_not_start_is_one_line_with_the_cause(behaviour, detail, capfd):
    library = Library(**behaviour)
    reason = Sessions(library).why_no_cuda()
    assert f"can't start it ({detail}); check the driver with nvidia-smi" in reason
    assert "\n" not in reason
    assert capfd.readouterr() == ("", "")
    assert library.severities == [4, 2]  # nothing while it tries; as before afterwards
