"""The metrics of several processes as one exposition."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.expositions import families, problems, value_of
from support.scripted_engine import ScriptedDetector, ScriptedRecogniser
from vivavoce.asr.engine import Engine
from vivavoce.server.exposition import plain
from vivavoce.server.metrics import Metrics, Now
from vivavoce.server.process_figures import process_lines
from vivavoce.server.turn_meter import TurnReport
from vivavoce.server.workers.figures import GAUGES, Figures, add_up

REPORT = TurnReport(
    0, None, n_words=3, n_shown=4, n_changes=2, n_broken=1,
    started_s=10.0, shown_s=10.4, spoken_s=12.0, sent_s=12.9, word_latencies_s=(0.2, 0.4, 20.0),
)  # fmt: skip


def exposition(*, model="tiny", n_open=1, backlog_s=0.5, n_turns=1, expires=2e9):
    async def render():
        metrics = Metrics()
        metrics.certificate_expires(expires)
        metrics.key_store(is_usable=True)
        metrics.rooms(are_shared=True)
        for _ in range(n_turns):
            metrics.began("v3")
            metrics.turn(model, REPORT)
        engine = Engine(recogniser=ScriptedRecogniser, detector=ScriptedDetector)
        now = Now(n_open, n_open, 8, is_ready=True, is_draining=False, backlog_s=backlog_s, n_readers=2)
        return metrics.render({model: engine}, now)

    return asyncio.run(render())


def parent(**gauges):
    return "".join(f"{line}\n" for name, value in gauges.items() for line in plain("gauge", name, "x", value))


def test_every_gauge_says_what_it_is_for_all():
    gauges = {name for name, family in families(exposition()).items() if family.kind == "gauge"}
    assert gauges <= set(GAUGES)
    own = {name for name in GAUGES if name.startswith("vivavoce_workers")}
    assert set(GAUGES) - gauges - own <= {line.split()[2] for line in process_lines() if line[0] == "#"}


def test_totals_add_up_and_gauges_are_what_their_names_say():
    one = exposition(model="a", n_open=1, backlog_s=0.5, n_turns=2, expires=2e9)
    two = exposition(model="b", n_open=3, backlog_s=4.0, n_turns=3, expires=1.9e9)
    text = add_up([one, two, parent(vivavoce_ready=0, vivavoce_sessions_limit=16)])
    assert problems(text) == []
    expected = {
        "vivavoce_ready": 0,
        "vivavoce_sessions_limit": 16,
        "vivavoce_sessions_open": 4,
        "vivavoce_room_readers": 4,
        "vivavoce_backlog_seconds": 4.0,
        'vivavoce_build_info{version="0.1.0"}': 1,
        "vivavoce_tls_certificate_expiry_timestamp_seconds": 1.9e9,
        'vivavoce_sessions_total{dialect="v3"}': 5,
        'vivavoce_turns_total{model="a"}': 2,
        'vivavoce_turns_total{model="b"}': 3,
        'vivavoce_word_emission_latency_seconds_bucket{model="a",le="0.3"}': 2,
        'vivavoce_word_emission_latency_seconds_count{model="b"}': 9,
    }
    assert {sample: value_of(text, sample) for sample in expected} == expected


def test_histograms_of_the_same_model_add_up():
    text = add_up([exposition(n_turns=2), exposition(n_turns=3)])
    assert problems(text) == []
    assert value_of(text, 'vivavoce_final_latency_seconds_bucket{model="tiny",le="1.0"}') == 5
    assert value_of(text, 'vivavoce_final_latency_seconds_sum{model="tiny"}') == pytest.approx(5 * 0.9)


def test_a_label_may_hold_anything():
    odd = exposition(model='a "b"\\c\nd} 7')
    text = add_up([odd, odd])
    assert problems(text) == []
    assert value_of(text, r'vivavoce_turns_total{model="a \"b\"\\c\nd} 7"}') == 2


def test_one_exposition_stays_as_it_is():
    text = exposition()
    assert add_up([text]) == text


def counter(value):
    return f"# HELP x_total x\n# TYPE x_total counter\nx_total {value}\n" + parent(
        vivavoce_sessions_open=value
    )


STEPS = st.lists(st.tuples(st.sampled_from(["work", "scrape", "lose"]), st.integers(0, 2), st.integers(1, 5)))


@given(STEPS)
def test_a_total_that_was_scraped_never_falls(steps):
    figures, totals, last, seen = Figures(), [0, 0, 0], 0, 0
    for what, worker, n in steps:
        if what == "work":
            totals[worker] += n
            seen += n
        elif what == "scrape":
            figures.note(worker, counter(totals[worker]))
        else:
            figures.lose(worker)
            totals[worker] = 0
        total = value_of(figures.render(parent(vivavoce_ready=1)), "x_total") or 0
        assert last <= total <= seen
        last = total


def test_a_worker_that_is_gone_has_no_gauges():
    figures = Figures()
    figures.note(0, counter(3))
    figures.note(1, counter(4))
    figures.lose(0)
    text = figures.render(parent(vivavoce_ready=1))
    assert value_of(text, "x_total") == 7
    assert value_of(text, "vivavoce_sessions_open") == 4
