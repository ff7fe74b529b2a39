"""Free memory is that of the machine, or of the control group that has least."""

import pytest

from vivavoce.free_memory import free_memory_bytes

MIB = 1 << 20
V2_MOUNT = "31 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
V1_MOUNT = (
    "30 22 0:25 {top} /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n"
    "31 22 0:26 {top} /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
)
PLENTY = f"MemTotal: {9 << 20} kB\nMemAvailable:  {8 << 20} kB\n"
PLENTY_BYTES = 8 << 30


@pytest.fixture
def system(tmp_path):
    """Writes a file system: the machine's memory, groups of the process, its mounts, and files of groups."""

    def write(memory=PLENTY, groups="0::/\n", mounts=V2_MOUNT, files=()):
        everything = {"proc/meminfo": memory, "proc/self/cgroup": groups, "proc/self/mountinfo": mounts}
        everything |= {f"sys/fs/cgroup/{path}": text for path, text in dict(files).items()}
        for path, text in everything.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        return tmp_path

    return write


def v2(limit, used, folder="", **more):
    files = {"memory.max": limit, "memory.current": used} | {
        name.replace("_", ".", 1): text for name, text in more.items()
    }
    return {f"{folder}/{name}".lstrip("/"): f"{text}\n" for name, text in files.items()}


def v1(limit, used, folder="memory", **more):
    files = {"memory.limit_in_bytes": limit, "memory.usage_in_bytes": used} | {
        name.replace("_", ".", 1): text for name, text in more.items()
    }
    return {f"{folder}/{name}": f"{text}\n" for name, text in files.items()}


@pytest.mark.parametrize(
    ("memory", "limit", "used", "free"),
    [
        ("MemTotal: 100 kB\nMemAvailable:  2048 kB\n", None, None, 2 * MIB),
        ("MemAvailable:  2048 kB\n", "max", "5", 2 * MIB),
        ("MemAvailable:  2048 kB\n", 3 * MIB, 2 * MIB, MIB),
        ("MemAvailable:  2048 kB\n", 9 * MIB, 2 * MIB, 2 * MIB),
        ("MemAvailable:  2048 kB\n", 3 * MIB, "x", 2 * MIB),
        ("MemAvailable:\n", 3 * MIB, 2 * MIB, MIB),
        ("MemAvailable:  x kB\n", "x", "5", None),
        ("", None, None, None),
    ],
)
def test_the_machine_or_its_container(system, memory, limit, used, free):
    files = {} if limit is None else v2(limit, used)
    assert free_memory_bytes(system(memory, files=files)) == free


@pytest.mark.parametrize("limited", ["", "a", "a/b", "a/b/c.scope"])
def test_the_smallest_rest_of_all_groups_around_the_process_counts(system, limited):
    files = {}
    for folder in ("a", "a/b", "a/b/c.scope"):
        files |= v2(500 * MIB, 100 * MIB, folder)
    files |= v2(300 * MIB, 250 * MIB, limited)
    assert free_memory_bytes(system(groups="0::/a/b/c.scope\n", files=files)) == 50 * MIB


def test_what_others_use_of_the_limit_of_an_outer_group_is_not_free(system):
    files = v2(100 * MIB, 10 * MIB, "pod/one") | v2(120 * MIB, 110 * MIB, "pod")
    assert free_memory_bytes(system(groups="0::/pod/one\n", files=files)) == 10 * MIB


@pytest.mark.parametrize(
    ("high", "free"), [("max", 40 * MIB), (80 * MIB, 20 * MIB), (200 * MIB, 40 * MIB), ("", 40 * MIB)]
)
def test_a_group_that_is_slowed_down_before_its_limit(system, high, free):
    assert free_memory_bytes(system(files=v2(100 * MIB, 60 * MIB, memory_high=high))) == free


@pytest.mark.parametrize(("limit", "free"), [(100 * MIB, 40 * MIB), (9223372036854771712, PLENTY_BYTES)])
def test_version_1(system, limit, free):
    groups = "4:cpu:/\n3:memory:/\n1:name=systemd:/\n"
    root = system(groups=groups, mounts=V1_MOUNT.format(top="/"), files=v1(limit, 60 * MIB))
    assert free_memory_bytes(root) == free


def test_nested_groups_of_version_1(system):
    files = v1(900 * MIB, 100 * MIB, "memory/a/b") | v1(200 * MIB, 150 * MIB, "memory/a")
    root = system(groups="3:memory:/a/b\n", mounts=V1_MOUNT.format(top="/"), files=files)
    assert free_memory_bytes(root) == 50 * MIB


def test_a_container_with_the_paths_of_its_host(system):
    mounts = V1_MOUNT.format(top="/docker/ab12")
    root = system(groups="5:memory:/docker/ab12\n", mounts=mounts, files=v1(100 * MIB, 30 * MIB))
    assert free_memory_bytes(root) == 70 * MIB


def test_both_versions_at_once(system):
    mounts = V1_MOUNT.format(top="/") + V2_MOUNT.replace("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
    files = v1(100 * MIB, 30 * MIB) | v2(100 * MIB, 50 * MIB, "unified")
    assert free_memory_bytes(system(groups="4:memory:/\n0::/\n", mounts=mounts, files=files)) == 50 * MIB


@pytest.mark.parametrize(
    ("stat", "free"),
    [
        (f"anon {MIB}\ninactive_file {2 * MIB}", 2 * MIB),
        ("inactive_file x\n", 0),
        ("one two three\n", 0),
        ("", 0),
    ],
)
def test_files_that_were_read_are_no_used_memory(system, stat, free):
    assert free_memory_bytes(system(files=v2(3 * MIB, 3 * MIB, memory_stat=stat))) == free


def test_files_of_inner_groups_of_version_1_count(system):
    stat = f"inactive_file {MIB}\ntotal_inactive_file {2 * MIB}"
    files = v1(3 * MIB, 3 * MIB, memory_stat=stat)
    root = system(groups="3:memory:/\n", mounts=V1_MOUNT.format(top="/"), files=files)
    assert free_memory_bytes(root) == 2 * MIB


@pytest.mark.parametrize("groups", ["", "nonsense\n", "0::/\n"])
@pytest.mark.parametrize("mounts", ["", "nonsense\n", V2_MOUNT])
def test_without_readable_groups_the_machine_counts(system, groups, mounts):
    assert free_memory_bytes(system(groups=groups, mounts=mounts)) == PLENTY_BYTES


def test_a_system_that_says_nothing(tmp_path):
    assert free_memory_bytes(tmp_path) is None
