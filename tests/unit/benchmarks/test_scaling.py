"""The simulated cluster keeps its sessions together, and the tables say what was measured."""

import dataclasses
import math

import numpy as np
import pytest
from benchmarks.scaling_curves import Point, cpu_s_of, family_of
from benchmarks.scaling_simulation import (
    Assumptions,
    Autoscaler,
    Outage,
    arrival_rate,
    simulate,
)
from benchmarks.scaling_tables import SECTIONS, curves, insert, simulated

from vivavoce.errors import ConfigurationError

HOURS = 3_600.0
SMALL = Assumptions(streams=200, sessions_per_replica=10)


def balance(result):
    over = result.ended + result.gave_up + result.returned_gave_up
    return result.arrived - over - result.left - result.waiting


@pytest.mark.parametrize(
    "given",
    [
        SMALL,
        dataclasses.replace(SMALL, burst=10.0, target=1.0, patience_s=10.0),
        dataclasses.replace(SMALL, drain_s=0.0, downscale_delay_s=30.0),
        dataclasses.replace(SMALL, replica_life_s=HOURS, machine_life_s=2 * HOURS),
        dataclasses.replace(SMALL, outage=Outage(1_800.0, 0.9), patience_s=20.0),
        dataclasses.replace(SMALL, fixed=True, min_replicas=5),
    ],
)
def test_no_session_is_lost_from_the_books(given):
    result = simulate(given, length_s=2 * HOURS)
    assert result.arrived > 0
    assert balance(result) == 0


def test_a_seed_is_a_day():
    first, again = simulate(SMALL, length_s=HOURS), simulate(SMALL, length_s=HOURS)
    other = simulate(dataclasses.replace(SMALL, seed=18), length_s=HOURS)
    assert (first.arrived, first.ended, first.stream_s) == (again.arrived, again.ended, again.stream_s)
    assert (first.arrived, first.ended) != (other.arrived, other.ended)


def erlang_b(load, servers):
    """The part of arrivals that finds all servers busy (Erlang, 1917)."""
    blocked = 1.0
    for n in range(1, servers + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked


@pytest.mark.parametrize(("load", "servers"), [(20.0, 20), (20.0, 30)])
def test_one_replica_refuses_what_erlangs_formula_says(load, servers):
    given = Assumptions(
        streams=round(load), sessions_per_replica=servers, min_replicas=1, fixed=True, night=1.0, burst=1.0,
        part_long=0.0, patience_s=0.0, step_s=1.0, replica_life_s=math.inf, machine_life_s=math.inf,
        short_s=60.0,
    )  # fmt: skip
    result = simulate(given, length_s=6 * HOURS)
    assert result.refused_first / result.arrived == pytest.approx(erlang_b(load, servers), abs=0.02)
    assert balance(result) == 0


def test_without_failures_and_drains_nothing_moves():
    given = dataclasses.replace(
        SMALL, replica_life_s=math.inf, machine_life_s=math.inf, downscale_delay_s=math.inf
    )
    result = simulate(given, length_s=3 * HOURS)
    assert (result.lost, result.moved) == (0, 0)


def test_an_outage_costs_its_part_and_its_sessions_come_back():
    given = dataclasses.replace(
        SMALL, night=1.0, outage=Outage(HOURS, 0.5), patience_s=600.0, replica_life_s=math.inf,
        machine_life_s=math.inf,
    )  # fmt: skip
    result = simulate(given, length_s=2 * HOURS)
    assert result.lost == pytest.approx(100, abs=40)
    assert result.returned_waits.sum() >= result.lost
    assert result.returned_gave_up == 0
    assert result.wait_quantile_steps(0.99, returned=True) * given.step_s < 600


def test_arrivals_have_their_peak_in_the_afternoon_and_bursts_at_full_hours():
    times = np.arange(0, 86_400, 60)
    usual = dataclasses.replace(SMALL, burst=1.0)
    rates = [arrival_rate(usual, at_s) for at_s in times]
    assert times[int(np.argmax(rates))] == 14 * 3600
    assert max(rates) * usual.mean_s == pytest.approx(SMALL.streams)
    assert min(rates) == pytest.approx(SMALL.night * max(rates))
    assert arrival_rate(SMALL, 7_200.0) == pytest.approx(SMALL.burst * arrival_rate(usual, 7_200.0))
    assert arrival_rate(SMALL, 7_320.0) == arrival_rate(usual, 7_320.0)


# --- autoscaler ----------------------------------------------------------------------------------


def test_replicas_are_added_once_there_have_been_too_many_sessions_for_the_delay():
    scaler = Autoscaler(SMALL)
    assert [scaler.decide(70, 2) for _ in range(3)] == [2, 2, 10]


def test_they_are_removed_once_there_have_been_too_few():
    scaler = Autoscaler(SMALL)
    decisions = [scaler.decide(70, 20) for _ in range(121)]
    assert set(decisions[:-1]) == {20}
    assert decisions[-1] == 10


def test_a_moment_changes_nothing():
    scaler = Autoscaler(SMALL)
    for _ in range(5):
        scaler.decide(70, 10)
    assert scaler.decide(400, 10) == 10
    assert all(scaler.decide(70, 10) == 10 for _ in range(1))


def test_there_are_never_fewer_than_the_least_nor_more_than_the_most():
    scaler = Autoscaler(dataclasses.replace(SMALL, upscale_delay_s=0.0, downscale_delay_s=0.0))
    assert scaler.decide(0, 5) == SMALL.min_replicas
    scaler = Autoscaler(dataclasses.replace(SMALL, upscale_delay_s=0.0))
    assert scaler.decide(10**6, 5) == SMALL.most_replicas


# --- tables --------------------------------------------------------------------------------------


def point(**given):
    usual = {
        "system": "plain-2", "round": 1, "streams": 8, "held": True, "word_p50_s": 0.4, "word_p95_s": 0.8,
        "final_p50_s": 0.5, "final_p95_s": 0.7, "overhead_p95_s": 0.1, "dropped": 0, "cores": 0.6,
    }  # fmt: skip
    return Point(**(usual | given))


def test_measured_rounds_become_medians():
    table = curves([
        point(word_p95_s=0.8),
        point(round=2, word_p95_s=1.0),
        point(round=3, word_p95_s=3.0, held=False),
        point(system="ray-2", word_p50_s=None),
    ])  # fmt: skip
    rows = table.splitlines()[2:]
    assert rows[0] == "| server, 2 cores | 8 | 2 of 3 | 0.40 / 1.00 | 0.50 / 0.70 | 0.60 |"
    assert rows[1].startswith("| Ray, 2 replicas of 1 core | 8 | 1 of 1 | - / 0.80 |")


def test_a_simulated_day_is_a_row_with_its_price():
    given = dataclasses.replace(SMALL, streams=20, night=1.0, burst=1.0, fixed=True, min_replicas=4)
    table = simulated({"small": given}, price=1.0, first="streams")
    heading, _, row = table.splitlines()
    assert heading.count("|") == row.count("|")
    cost = float(row.split("|")[-2])
    assert cost == pytest.approx(4 / 20, rel=0.1)  # a core for each replica, whose streams are 20 in the mean


def test_tables_replace_those_before_and_nothing_else():
    page = "head\n" + "\n".join(
        f"<!-- scaling:{name}:begin: written by python -m benchmarks.scaling_tables -->\n"
        f"old {name}\n<!-- scaling:{name}:end -->"
        for name in SECTIONS
    )
    changed = insert(page, "sizes", "new")
    assert "old sizes" not in changed
    assert "old measured" in changed
    assert "old variants" in changed
    assert insert(changed, "sizes", "new") == changed
    with pytest.raises(ConfigurationError, match="the page needs a line"):
        insert("empty", "sizes", "new")


# --- processes -----------------------------------------------------------------------------------


def write_stat(root, pid, parent, ticks):
    (root / str(pid)).mkdir(parents=True)
    fields = ["S", str(parent), *["0"] * 9, str(ticks), "0", "0"]
    (root / str(pid) / "stat").write_text(f"{pid} (a name) with) " + " ".join(fields))


def test_a_family_is_a_process_and_all_below_it(tmp_path):
    for pid, parent in ((5, 1), (6, 5), (7, 6), (8, 1)):
        write_stat(tmp_path, pid, parent, 100)
    assert sorted(family_of(5, tmp_path)) == [5, 6, 7]
    once = cpu_s_of([5], tmp_path)
    assert once > 0
    assert cpu_s_of([5, 6, 7, 99], tmp_path) == pytest.approx(3 * once)
