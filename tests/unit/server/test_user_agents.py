import pytest

from vivavoce.client.dial_errors import USER_AGENT
from vivavoce.server.user_agents import reads_warnings


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        (USER_AGENT, True),
        ("AssemblyAI/1.0 (sdk=Python/1.8.2 runtime_env=Python/3.11.7)", True),
        ("AssemblyAI/1.0 (sdk=JavaScript/4.29.0 runtime_env=Node/22.1.0)", True),
        ("AssemblyAI/1.0 (integration=Livekit/1.1.7)", False),
        ("AssemblyAI/1.0 (integration=Pipecat/0.0.86)", False),
        ("Python/3.11 websockets/15.0", False),
        ("Mozilla/5.0 (X11; Linux x86_64) sdk=1", False),
        ("", False),
        (None, False),
    ],
)
def test_the_sdks_read_warnings(user_agent, expected):
    assert reads_warnings(user_agent) is expected
