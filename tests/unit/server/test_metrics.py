"""What Prometheus reads, by the rules of `promtool check metrics`.

https://prometheus.io/docs/instrumenting/exposition_formats/ and https://prometheus.io/docs/practices/naming/
"""

import asyncio

import pytest

from support.expositions import families, problems
from support.scripted_engine import ScriptedDetector, ScriptedRecogniser
from vivavoce.asr.engine import Engine
from vivavoce.server.exposition import escaped
from vivavoce.server.metrics import Metrics, Now
from vivavoce.server.process_figures import process_lines
from vivavoce.server.turn_meter import TurnReport

NOW = Now(n_open=2, n_connections=5, limit=8, is_ready=True, is_draining=False, backlog_s=0.25, n_readers=3)
REPORT = TurnReport(
    0, None, n_words=3, n_shown=4, n_changes=2, n_broken=1,
    started_s=10.0, shown_s=10.4, spoken_s=12.0, sent_s=12.9, word_latencies_s=(0.2, 0.4, 20.0),
)  # fmt: skip


def used():
    """Metrics in which everything has happened."""
    metrics = Metrics()
    metrics.began("v2")
    metrics.began("v3")
    metrics.refused("full")
    metrics.dropped("left")
    metrics.ended("client_left", 45.0)
    metrics.ended("ended", 90.0)
    metrics.ticked(0.02)
    metrics.ticked(-0.001)
    metrics.turn("tiny", REPORT)
    metrics.turn('a "b"\\c\nd', REPORT)
    metrics.certificate_expires(1_800_000_000.0)
    metrics.key_store(is_usable=False)
    metrics.rooms(are_shared=True)
    return metrics


def rendered(metrics, now=NOW):
    async def run():
        engine = Engine(recogniser=ScriptedRecogniser, detector=ScriptedDetector)
        engine.stats.joined(["final", "partial"], n_running=1, wait_s=0.1, queue_wait_s=0.2)
        return metrics.render({'a "b"\\c\nd': engine, "tiny": engine}, now)

    return asyncio.run(run())


def value(text, name, **labels):
    (found,) = [
        number
        for family in families(text).values()
        for sample, given, number in family.samples
        if sample == name and given == labels
    ]
    return found


@pytest.mark.parametrize("metrics", [Metrics(), used()], ids=["unused", "used"])
def test_names_and_samples_are_as_prometheus_wants_them(metrics):
    assert not problems(rendered(metrics))


def test_faults_are_found():
    assert problems("# HELP a_total x\n# TYPE a_total gauge\na_total 1\n")
    assert problems("# HELP a_ms x\n# TYPE a_ms gauge\na_ms 1\n")
    assert problems("# HELP a \n# TYPE a gauge\na 1\n")
    assert problems("# HELP a x\n# TYPE a gauge\na 1\na 2\n")
    histogram = (
        '# HELP a x\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 3\na_count 1\n'
    )
    assert problems(histogram)
    with pytest.raises(AssertionError):
        families("a 1\n")
    with pytest.raises(AssertionError):
        families('# HELP a x\n# TYPE a gauge\na{b="c"d"} 1\n')


def test_turns_are_counted_by_model():
    text = rendered(used())
    assert value(text, "vivavoce_turns_total", model="tiny") == 1
    assert value(text, "vivavoce_words_total", model="tiny") == 3
    assert value(text, "vivavoce_words_shown_total", model="tiny") == 4
    assert value(text, "vivavoce_word_changes_total", model="tiny") == 2
    assert value(text, "vivavoce_final_word_changes_total", model="tiny") == 1
    assert value(text, "vivavoce_first_word_latency_seconds_sum", model="tiny") == pytest.approx(0.4)
    assert value(text, "vivavoce_final_latency_seconds_bucket", model="tiny", le="0.7") == 0
    assert value(text, "vivavoce_final_latency_seconds_bucket", model="tiny", le="1.0") == 1
    assert value(text, "vivavoce_word_emission_latency_seconds_bucket", model="tiny", le="10.0") == 2
    assert value(text, "vivavoce_word_emission_latency_seconds_count", model="tiny") == 3
    assert value(text, "vivavoce_turns_total", model=escaped('a "b"\\c\nd')) == 1


def test_a_turn_without_known_times_has_no_latency():
    metrics = Metrics()
    fast = TurnReport(0, 1, 3, 3, 0, 0, started_s=None, shown_s=1.0, spoken_s=None, sent_s=2.0)
    metrics.turn("tiny", fast)
    text = rendered(metrics)
    assert value(text, "vivavoce_turns_total", model="tiny") == 1
    for name in ("first_word_latency", "word_emission_latency", "final_latency"):
        assert value(text, f"vivavoce_{name}_seconds_count", model="tiny") == 0


def test_sessions_and_the_server():
    text = rendered(used())
    assert value(text, "vivavoce_sessions_total", dialect="v3") == 1
    assert value(text, "vivavoce_sessions_ended_total", reason="client_left") == 1
    assert value(text, "vivavoce_session_duration_seconds_bucket", le="60") == 1
    assert value(text, "vivavoce_refused_total", reason="full") == 1
    assert value(text, "vivavoce_sessions_open") == 2
    assert value(text, "vivavoce_connections_open") == 5
    assert value(text, "vivavoce_dropped_total", reason="left") == 1
    assert value(text, "vivavoce_sessions_limit") == 8
    assert (value(text, "vivavoce_ready"), value(text, "vivavoce_draining")) == (1, 0)
    assert value(text, "vivavoce_backlog_seconds") == 0.25
    assert value(text, "vivavoce_room_readers") == 3
    assert value(text, "vivavoce_event_loop_delay_seconds_count") == 2
    assert value(text, "vivavoce_tls_certificate_expiry_timestamp_seconds") == 1.8e9
    assert value(text, "vivavoce_key_store_usable") == 0
    assert value(text, "vivavoce_rooms_shared") == 1
    assert value(text, "process_resident_memory_bytes") > 1e6
    assert value(text, "process_open_fds") >= 3
    assert value(text, "process_cpu_seconds_total") > 0


def test_what_is_not_known_is_left_out():
    now = Now(
        n_open=0, n_connections=5, limit=None, is_ready=False, is_draining=True, backlog_s=0.0, n_readers=0
    )
    text = rendered(Metrics(), now)
    assert "sessions_limit" not in text
    assert "tls_certificate" not in text
    assert "key_store" not in text
    assert (value(text, "vivavoce_ready"), value(text, "vivavoce_draining")) == (0, 1)


def test_without_the_kernels_files_there_are_fewer_figures(tmp_path):
    names = set(families("\n".join(process_lines(tmp_path)) + "\n"))
    assert names == {"process_cpu_seconds_total", "process_start_time_seconds", "process_max_fds"}


def test_what_is_to_be_expected_begins_at_zero():
    text = rendered(Metrics())
    for name in ("sessions_total", "sessions_ended_total", "refused_total", "dropped_total"):
        samples = families(text)[f"vivavoce_{name}"].samples
        assert samples
        assert {number for _, _, number in samples} == {0}
