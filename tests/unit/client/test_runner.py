"""The runner under virtual time: a slow server is waited for, a dead one is not, and nothing hangs."""

import asyncio

import pytest

import vivavoce
from support import virtual_time
from support.simulated_network import (
    MINUTE,
    WORD,
    Connection,
    Network,
    is_dead,
    is_quick,
    is_slow,
    now,
    turn,
)


def talk(network, speak, **options):
    """Run ``speak(session)`` under virtual time; return its result and the seconds it took."""

    async def main():
        session = await vivavoce.connect_async(transport=network, **options)
        began = now()
        return await speak(session), now() - began

    return virtual_time.run(main())


async def kinds(session):
    return [event.type async for event in session.events()]


KEEP = vivavoce.Reconnect(first_delay_s=0.01, stall_s=0.2)


@pytest.mark.parametrize("reconnect", [None, KEEP], ids=["once", "kept"])
def test_a_server_that_decodes_a_long_recording_is_not_treated_as_dead(reconnect):
    network = Network(is_slow)

    async def speak(session):
        await session.send(MINUTE)
        await session.end()
        return [turn.transcript async for turn in session if turn.end_of_turn]

    finals, took_s = talk(network, speak, reconnect=reconnect, close_timeout_s=0.4)
    assert finals == ["All of it."]
    assert took_s == pytest.approx(2.0)
    assert len(network.dialled_at) == 1


def test_a_server_that_does_not_respond_to_a_speaker_is_dead():
    network = Network(is_dead, is_quick)

    async def speak(session):
        await session.send(WORD)
        events = [(await session.next_event(2)).type for _ in range(3)]
        lost_at = network.dialled_at[1]
        await session.end()
        return events, lost_at, await kinds(session)

    (events, lost_at, rest), _ = talk(network, speak, reconnect=KEEP)
    assert events == ["Begin", "Reconnecting", "Reconnected"]
    assert lost_at == pytest.approx(0.2)  # stall_s
    assert rest == ["Turn", "Termination", "Closed"]


def test_a_server_that_answers_pings_may_be_silent_for_ten_minutes():
    async def speak(session):
        await session.send(WORD)
        await asyncio.sleep(600)
        await session.end()
        return await kinds(session)

    events, took_s = talk(Network(is_quick), speak, reconnect=KEEP)
    assert events == ["Begin", "Turn", "Termination", "Closed"]
    assert took_s == pytest.approx(600)


def test_a_link_slower_than_the_audio_is_not_taken_for_lost():
    class Slow(Connection):
        async def ping(self):
            await asyncio.sleep(0.6 * now())  # 20 of 32 kB/s: the audio before the ping arrives so much later

    async def speak(session):
        await asyncio.sleep(600)
        await session.end()
        return await kinds(session)

    events, _ = talk(Network(is_quick, connection=Slow), speak, reconnect=KEEP)
    assert events == ["Begin", "Turn", "Termination", "Closed"]


def test_a_transport_that_waits_after_it_was_aborted_does_not_delay_the_end():
    class Deaf(Connection):
        async def receive(self):
            while True:
                message = await self.messages.get()
                if not isinstance(message, int):
                    return message

    async def speak(session):
        with pytest.raises(vivavoce.RealtimeError, match="did not end"):
            await session.close()

    _, took_s = talk(Network(is_dead, connection=Deaf), speak, reconnect=None, close_timeout_s=0.2)
    assert took_s == pytest.approx(0.2)


def test_a_transport_whose_closing_handshake_hangs_is_cut_off():
    class Sticky(Connection):
        async def close(self):
            await asyncio.Event().wait()

    async def speak(session):
        await session.close()

    _, took_s = talk(Network(is_quick, connection=Sticky), speak, reconnect=None)
    assert took_s == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("audio", "most_s"),
    [(b"", 0.3), (WORD, 0.3 + 0.05), (MINUTE, 0.6)],
    ids=["nothing", "a word", "a minute"],
)
def test_a_silent_server_is_waited_for_in_bounds(audio, most_s):
    async def speak(session):
        await session.send(audio)
        with pytest.raises(vivavoce.RealtimeError, match=r"did not end the session within 0\.3 s"):
            await session.close()
        return session.closed.code

    code, took_s = talk(Network(is_dead), speak, reconnect=None, close_timeout_s=0.3)
    assert code == 1006
    assert took_s == pytest.approx(most_s)


def test_a_server_that_never_comes_to_an_end_is_waited_for_in_bounds():
    async def goes_on_and_on(connection):
        while True:
            await asyncio.sleep(0.02)
            connection.say(turn("and", end=False))

    async def speak(session):
        await session.send(MINUTE[:16_000])
        with pytest.raises(vivavoce.RealtimeError, match="did not end"):
            await session.close()

    _, took_s = talk(Network(goes_on_and_on), speak, reconnect=None, close_timeout_s=0.3)
    assert took_s == pytest.approx(0.3 + 2 * 0.5)


def test_closing_while_every_connection_is_dead_is_bounded():
    async def speak(session):
        await session.send(WORD)
        with pytest.raises(vivavoce.SessionLostError, match="did not end"):
            await session.close()

    rule = vivavoce.Reconnect(stall_s=1.0)
    _, took_s = talk(Network(*[is_dead] * 99), speak, reconnect=rule, close_timeout_s=8.0)
    assert took_s < 8.0 + 8.0


def test_a_session_that_does_not_begin_is_a_failed_connection():
    class Mute(Connection):
        begin = None

    async def main():
        with pytest.raises(vivavoce.ConnectError, match="did not begin a session in time"):
            await vivavoce.connect_async(transport=Network(is_dead, connection=Mute), timeout_s=3.0)
        return now()

    assert virtual_time.run(main()) == pytest.approx(3.0)


def test_attempts_to_reconnect_wait_longer_each_time():
    network = Network(is_quick, *[vivavoce.ConnectError("no server")] * 3, is_quick)
    rule = vivavoce.Reconnect(first_delay_s=1.0, longest_delay_s=4.0)

    async def is_lost(connection):
        connection.caught_up.set()
        await asyncio.sleep(10.0)
        connection.hang_up()

    network.servers[0] = is_lost

    async def speak(session):
        while (await session.next_event()).type != "Reconnected":
            pass
        await session.close()

    talk(network, speak, reconnect=rule)
    waits = [
        after - before for before, after in zip(network.dialled_at[1:], network.dialled_at[2:], strict=False)
    ]
    assert network.dialled_at[1] == pytest.approx(10.0)
    for wait, expected in zip(waits, [1.0, 2.0, 4.0], strict=True):
        assert 0.75 * expected <= wait <= 1.25 * expected


def test_cancelling_an_attempt_to_connect_ends_it():
    class Never(Network):
        async def __call__(self, url, headers, **_):
            await asyncio.Event().wait()

    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5.0):
                await vivavoce.connect_async(transport=Never(), timeout_s=60.0)
        return now()

    assert virtual_time.run(main()) == pytest.approx(5.0)


def test_an_error_message_without_a_close_frame_ends_a_session_of_v3_after_a_moment():
    async def complains(connection):
        connection.say({"type": "Error", "error_code": 3005, "error": "it broke"})
        await asyncio.Event().wait()

    async def speak(session):
        with pytest.raises(vivavoce.RealtimeError, match="it broke"):
            await kinds(session)

    _, took_s = talk(Network(complains), speak, reconnect=None)
    assert took_s == pytest.approx(0.5)


def test_two_sessions_of_one_loop_do_not_disturb_each_other():
    async def main():
        sessions = [
            await vivavoce.connect_async(transport=Network(server), reconnect=None, close_timeout_s=1.0)
            for server in (is_quick, is_dead)
        ]
        await sessions[0].close()
        with pytest.raises(vivavoce.RealtimeError, match="did not end"):
            await sessions[1].close()
        return [session.closed.code for session in sessions]

    assert virtual_time.run(main()) == [1000, 1006]
