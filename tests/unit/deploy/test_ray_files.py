"""The files of deploy/ that start Ray fit what the replicas need."""

import re
from pathlib import Path

import pytest
import yaml

from vivavoce.deploy import ray
from vivavoce.deploy.ray.environment import SETTINGS, USAGE_STATISTICS

DEPLOY = Path(__file__).parents[3] / "deploy"
NEEDED = SETTINGS | {USAGE_STATISTICS: "0"}


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("VIVAVOCE_REDIS", "redis://redis:6379/0")
    monkeypatch.delenv("VIVAVOCE_API_KEYS", raising=False)


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((DEPLOY / "compose.ray.yaml").read_text())


@pytest.fixture(scope="module")
def service():
    return yaml.safe_load((DEPLOY / "kubernetes" / "ray" / "rayservice.yaml").read_text())["spec"]


def seconds(text):
    return int(re.fullmatch(r"(\d+)s", text)[1])


def test_every_container_of_compose_has_the_environment(compose):
    for name in ("head", "worker"):
        given = compose["services"][name]["environment"]
        assert {each: given[each] for each in NEEDED} == NEEDED, name
        assert compose["services"][name]["build"]["args"]["EXTRAS"].endswith("ray")


def test_compose_gives_options_that_exist_and_waits_for_the_drain(compose):
    head = compose["services"]["head"]
    (command,) = head["command"]
    given = dict(each.split("=", 1) for each in command.split() if "=" in each)
    options = ray.RayOptions.of(given)
    assert options.server.redis == "redis://redis:6379/0"
    assert seconds(head["stop_grace_period"]) > options.shutdown_s
    assert all(port.startswith("127.0.0.1:") for port in head["ports"])


def test_every_pod_has_the_environment(service):
    groups = [service["rayClusterConfig"]["headGroupSpec"], *service["rayClusterConfig"]["workerGroupSpecs"]]
    for group in groups:
        (container,) = group["template"]["spec"]["containers"]
        given = {each["name"]: each.get("value") for each in container["env"]}
        assert {each: given[each] for each in NEEDED} == NEEDED


def test_kuberay_names_the_application_and_gives_options_that_exist(service):
    config = yaml.safe_load(service["serveConfigV2"])
    (application,) = config["applications"]
    module, name = application["import_path"].split(":")
    assert (module, getattr(ray, name)) == (ray.__name__, ray.app)
    options = ray.RayOptions.of(application["args"])
    (workers,) = service["rayClusterConfig"]["workerGroupSpecs"]
    spec = workers["template"]["spec"]
    assert spec["terminationGracePeriodSeconds"] > options.server.drain_s + options.server.finish_s
    cores = int(spec["containers"][0]["resources"]["limits"]["cpu"])
    assert options.cores == cores
    assert options.max_replicas <= workers["maxReplicas"] * (cores // options.cores)
