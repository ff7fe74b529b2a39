"""The number of workers follows the CPU quota of a container."""

import os

import pytest

from vivavoce import cores
from vivavoce.asr.engine import Engine
from vivavoce.asr.engine import engine as engine_module
from vivavoce.cores import limit_cores, usable_cores, visible_cores

V2_MOUNT = "31 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
V1_MOUNT = (
    "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
    "30 22 0:25 {top} /sys/fs/cgroup/cpuset ro - cgroup cgroup rw,cpuset\n"
    "31 22 0:26 {top} /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n"
)


@pytest.fixture(autouse=True)
def many_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(32)), raising=False)


@pytest.fixture
def system(tmp_path):
    """Writes a file system: groups of the process, its mounts, and files of control groups."""

    def write(groups, mounts, **files):
        everything = {"proc/self/cgroup": groups, "proc/self/mountinfo": mounts}
        everything |= {f"sys/fs/cgroup/{path}": text for path, text in files.items()}
        for path, text in everything.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        return tmp_path

    return write


def v1(quota, period="100000", folder="cpu,cpuacct"):
    return {f"{folder}/cpu.cfs_quota_us": f"{quota}\n", f"{folder}/cpu.cfs_period_us": f"{period}\n"}


@pytest.mark.parametrize(
    ("limit", "cores"),
    [
        ("60000 100000", 1),
        ("100000 100000", 1),
        ("150000 100000", 2),
        ("400000 100000", 4),
        ("5000 10000", 1),
        ("9900000 100000", 32),
        ("max 100000", 32),
        ("", 32),
        ("nonsense", 32),
        ("1 0", 32),
    ],
)
def test_a_quota_of_version_2(system, limit, cores):
    assert usable_cores(system("0::/\n", V2_MOUNT, **{"cpu.max": limit + "\n"})) == cores


@pytest.mark.parametrize(("quota", "cores"), [("60000", 1), ("150000", 2), ("-1", 32), ("0", 32), ("x", 32)])
def test_a_quota_of_version_1(system, quota, cores):
    root = system("4:cpu,cpuacct:/\n3:cpuset:/\n1:name=systemd:/\n", V1_MOUNT.format(top="/"), **v1(quota))
    assert usable_cores(root) == cores


@pytest.mark.parametrize("limited", ["", "a", "a/b", "a/b/c.scope"])
def test_the_smallest_quota_of_all_groups_around_the_process_counts(system, limited):
    files = {f"{folder}/cpu.max".lstrip("/"): "max 100000" for folder in ("a", "a/b", "a/b/c.scope")}
    files |= {f"{limited}/cpu.max".lstrip("/"): "200000 100000"}
    assert usable_cores(system("0::/a/b/c.scope\n", V2_MOUNT, **files)) == 2


def test_a_container_with_the_paths_of_its_host(system):
    root = system("5:cpu,cpuacct:/docker/ab12\n", V1_MOUNT.format(top="/docker/ab12"), **v1("250000"))
    assert usable_cores(root) == 3


def test_a_group_outside_the_namespace(system):
    assert usable_cores(system("0::/../other\n", V2_MOUNT, **{"cpu.max": "100000 100000"})) == 1


def test_both_versions_at_once(system):
    mounts = V1_MOUNT.format(top="/") + V2_MOUNT.replace("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
    root = system("4:cpu,cpuacct:/\n0::/\n", mounts, **v1("300000"), **{"unified/cpu.max": "200000 100000"})
    assert usable_cores(root) == 2


def test_fewer_processors_than_the_quota(system, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {5}, raising=False)
    assert usable_cores(system("0::/\n", V2_MOUNT, **{"cpu.max": "400000 100000"})) == 1


@pytest.mark.parametrize("groups", ["", "nonsense\n", "0::/\n"])
@pytest.mark.parametrize("mounts", ["", "nonsense\n", V2_MOUNT])
def test_without_readable_groups_the_processors_count(system, groups, mounts):
    assert usable_cores(system(groups, mounts)) == 32


def test_a_system_without_control_groups(tmp_path, monkeypatch):
    assert usable_cores(tmp_path) == 32
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cores(tmp_path) == 1


def test_the_engine_has_a_worker_for_each(monkeypatch):
    monkeypatch.setattr(engine_module, "usable_cores", lambda: 3)
    assert Engine()._workers == 3
    assert Engine(workers=7)._workers == 7


def test_a_process_that_shares_the_machine_uses_its_part(system, monkeypatch):
    monkeypatch.setattr(cores, "_limit", None)
    root = system("0::/\n", V2_MOUNT)
    limit_cores(5)
    assert usable_cores(root) == 5
    limit_cores(50)
    assert usable_cores(root) == 32


def test_the_processors_by_number(monkeypatch):
    assert visible_cores() == tuple(range(32))
    monkeypatch.delattr(os, "sched_getaffinity")
    assert visible_cores() == ()
