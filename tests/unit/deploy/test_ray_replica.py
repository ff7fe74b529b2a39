"""What surrounds the application in a replica, without Ray."""

import asyncio
import importlib.util
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uvicorn import Config
from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.server import ServerState

from vivavoce.deploy.ray import RayOptions, build
from vivavoce.deploy.ray.environment import (
    LEAVE_S,
    SETTINGS,
    USAGE_STATISTICS,
    check_private,
    keep_out,
    leave_s,
    prepare,
    uses_haproxy,
)
from vivavoce.deploy.ray.replica import ServedByProxy, cores_of
from vivavoce.deploy.ray.sockets import ReplicaHttp, install
from vivavoce.errors import ConfigurationError, ExtrasNotInstalledError
from vivavoce.server.connection_gate import ConnectionGate
from vivavoce.server.http_protocol import MAX_HEAD_BYTES
from vivavoce.server.run import MAX_MESSAGE_BYTES

# --- environment ---------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [{}, {USAGE_STATISTICS: "1"}, {USAGE_STATISTICS: "0"}])
def test_ray_reports_nothing_whatever_was_set(before):
    environment = dict(before)
    prepare(environment)
    assert environment[USAGE_STATISTICS] == "0"
    check_private(environment)


@pytest.mark.parametrize("value", [None, "1", "", "false"])
def test_a_replica_refuses_a_ray_that_reports(value):
    with pytest.raises(ConfigurationError, match="RAY_USAGE_STATS_ENABLED must be 0 where Ray is started"):
        check_private({} if value is None else {USAGE_STATISTICS: value})


def test_what_the_operator_has_set_stays():
    environment = {"RAY_SERVE_ENABLE_HA_PROXY": "0", "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "30"}
    prepare(environment, system="linux")
    assert not uses_haproxy(environment)
    assert leave_s(environment) == 30
    assert set(environment) == {USAGE_STATISTICS, *SETTINGS}


def test_there_is_haproxy_on_linux_only():
    for system, expected in (("linux", True), ("darwin", False)):
        environment = {}
        prepare(environment, system=system)
        assert uses_haproxy(environment) is expected
    assert leave_s({}) == LEAVE_S


def test_the_proxy_passes_the_longest_request():
    assert int(SETTINGS["RAY_SERVE_HAPROXY_TUNE_BUFSIZE"]) - 1024 >= MAX_HEAD_BYTES


def test_without_ray_the_error_says_what_to_install():
    program = (
        "import sys; sys.modules['ray'] = None\n"
        "from vivavoce.deploy.ray import app\n"
        "try: app({'sessions_per_replica': 1, 'no_auth': True})\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    output = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert output.split(" ", 1)[0] == ExtrasNotInstalledError.__name__
    assert 'pip install "vivavoce[ray]"' in output


@pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed: scripts/test --ray"
)
@pytest.mark.filterwarnings("ignore")  # those of Ray and its libraries
def test_the_application_of_ray_has_the_limits_of_its_options(monkeypatch):
    for name in (USAGE_STATISTICS, *SETTINGS):
        monkeypatch.setenv(name, "0")  # and so that it is undone
    options = RayOptions.of({"sessions_per_replica": 10, "no_auth": True, "cores": 2})
    deployment = build(options)._bound_deployment
    assert deployment.max_ongoing_requests == options.max_requests
    assert deployment.ray_actor_options["num_cpus"] == 2
    assert deployment._deployment_config.graceful_shutdown_timeout_s == options.shutdown_s


def test_a_ray_of_ones_own_wants_a_token_unless_the_operator_says_otherwise():
    first, second = {}, {}
    keep_out(first)
    keep_out(second)
    assert first["RAY_AUTH_MODE"] == second["RAY_AUTH_MODE"] == "token"
    assert first["RAY_AUTH_TOKEN"] != second["RAY_AUTH_TOKEN"]
    chosen = {"RAY_AUTH_MODE": "disabled"}
    keep_out(chosen)
    assert chosen == {"RAY_AUTH_MODE": "disabled"}


# --- cores ---------------------------------------------------------------------------------------


@given(st.integers(1, 8).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, 63), min_size=n))))
def test_replicas_share_no_core_while_there_are_enough(case):
    n_cores, usable = case
    places = [cores_of(place, n_cores, usable) for place in range(len(usable) // n_cores)]
    assert all(len(each) == n_cores for each in places)
    assert set().union(*places) <= usable
    assert sum(map(len, places)) == len(set().union(*places))


def test_replicas_beyond_the_cores_begin_from_the_first_again():
    assert [cores_of(place, 1, {4, 7}) for place in range(4)] == [{4}, {7}, {4}, {7}]
    assert cores_of(0, 3, {1, 2}) == {1, 2}


# --- clients and sockets -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("client", "seen"),
    [(("127.0.0.1", 5), None), (("::1", 5), None), (("10.0.0.8", 5), ("10.0.0.8", 5)), (None, None)],
)
def test_a_proxy_on_this_machine_makes_no_client_one_of_this_machine(client, seen):
    scopes = []

    async def app(scope, receive, send):
        scopes.append(scope)

    asyncio.run(ServedByProxy(app)({"type": "http", "client": client}, None, None))
    assert scopes[0]["client"] == seen


def test_the_protocols_have_the_limits_of_the_server_and_stop_by_draining(monkeypatch):
    monkeypatch.setitem(HTTP_PROTOCOLS, "auto", HTTP_PROTOCOLS["auto"])
    stops = []
    gate = ConnectionGate()
    install(gate, lambda: stops.append(1))

    async def run():
        config = Config(lambda: None, lifespan="off", log_config=None)
        config.load()
        protocol = config.http_protocol_class(config=config, server_state=ServerState(), app_state={})
        assert isinstance(protocol, ReplicaHttp)
        assert (config.ws_max_size, config.ws_per_message_deflate) == (MAX_MESSAGE_BYTES, False)
        assert config.h11_max_incomplete_event_size == MAX_HEAD_BYTES
        socket = protocol.make_websocket(config=config, server_state=ServerState(), app_state={})
        socket.shutdown()

    asyncio.run(run())
    assert stops == [1]
