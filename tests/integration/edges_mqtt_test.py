"""ingest/mqtt against a real mosquitto: what is acknowledged is kept, sessions, filters, take-over."""
import subprocess
import threading

import paho.mqtt.client as paho
import pytest

from harness.process import BUILD, wait_for
from harness.servers import Broker

DRIVER = str(BUILD / "tests/integration/drivers/edges_mqtt")


@pytest.fixture
def broker(tmp_path):
    b = Broker(tmp_path / "broker", ["lane:fire", "simulator"]).start()
    yield b
    b.kill()


class Taker:
    """The driver: a lane's intake in little."""

    def __init__(self, broker, folder, filters=("estate/+/+/fire/#",), kill_at=0, client="wallwatch-fire",
                 secret=None, journal=None):
        self.journal = folder / "journal" if journal is None else journal
        self.lines = []
        self.popen = subprocess.Popen(
            [DRIVER, str(broker.port), client, "lane-fire", str(secret or broker.secret("lane-fire")),
             str(folder / "filters"), str(self.journal), str(kill_at), *filters],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.popen.stdout:
            self.lines.append(line.strip())

    def said(self, word, times=1, seconds=10):
        wait_for(f"{word!r} in {self.lines}", lambda: sum(word in x for x in self.lines) >= times, seconds)
        return next(x for x in self.lines if word in x)

    def write(self, word):
        self.popen.stdin.write(word + "\n")
        self.popen.stdin.flush()

    def close(self):
        self.write("quit")
        assert self.popen.wait(5) == 0
        self.said("closed")

    def kill(self):
        self.popen.kill()
        self.popen.wait()

    def kept(self):
        return self.journal.read_text().splitlines() if self.journal.exists() else []


class Simulator:
    def __init__(self, broker):
        self.client = paho.Client("simulator", protocol=paho.MQTTv5)
        self.client.username_pw_set("simulator", broker.password("simulator"))
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()

    def send(self, numbers, kind="fire", qos=1, retain=False):
        infos = [self.client.publish(f"estate/d/c/{kind}/D{n}/event", str(n), qos=qos, retain=retain)
                 for n in numbers]
        for info in infos:
            info.wait_for_publish(10)

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def simulator(broker):
    s = Simulator(broker)
    yield s
    s.close()


def numbers(lines):
    return [int(line.split()[1]) for line in lines]


def test_a_message_that_dies_in_the_callback_comes_again_as_dup(broker, simulator, tmp_path):
    taker = Taker(broker, tmp_path, kill_at=-5)
    taker.said("up lost=0")
    simulator.send(range(1, 20))
    assert taker.popen.wait(10) == -9
    assert numbers(taker.kept()) == [1, 2, 3, 4]
    taker = Taker(broker, tmp_path)
    taker.said("up lost=0")
    wait_for("all 19", lambda: set(numbers(taker.kept())) == set(range(1, 20)))
    # The last acknowledgements before the kill may have been lost on their way.
    again = [line for line in taker.kept()[4:] if "dup=1" in line]
    assert 5 in numbers(again) and numbers(again)[0] in (1, 2, 3, 4, 5)
    taker.close()


def test_killed_again_and_again_nothing_acknowledged_is_missing(broker, simulator, tmp_path):
    sender = threading.Thread(target=simulator.send, args=(range(1, 2001),))
    taker = Taker(broker, tmp_path)
    taker.said("up")
    taker.close()  # the session is there now, so the broker keeps what comes
    sender.start()
    for at in (7, 101, 333, -57, 250):
        taker = Taker(broker, tmp_path, kill_at=at)
        assert taker.popen.wait(20) == -9
    sender.join()
    taker = Taker(broker, tmp_path)
    wait_for("all 2000", lambda: set(numbers(taker.kept())) == set(range(1, 2001)), 20)
    taker.close()


def test_the_session_outlives_a_broker_restart_and_loses_nothing_meanwhile(broker, tmp_path):
    taker = Taker(broker, tmp_path)
    taker.said("up lost=0")
    broker.stop()
    taker.said("down")
    broker.start()
    simulator = Simulator(broker)
    simulator.send(range(1, 11))
    simulator.close()
    taker.said("up lost=0", times=2)
    wait_for("all 10", lambda: numbers(taker.kept()) == list(range(1, 11)))
    assert not any("lost=1" in x for x in taker.lines)
    taker.close()


def test_a_lost_session_is_told_once(broker, tmp_path):
    taker = Taker(broker, tmp_path)
    taker.said("up lost=0")
    broker.kill()
    for path in broker.folder.glob("mosquitto.db*"):
        path.unlink()
    broker.start()
    taker.said("up lost=1")
    taker.close()
    taker = Taker(broker, tmp_path)
    taker.said("up lost=0")
    taker.close()


def test_what_is_no_longer_wanted_is_unsubscribed_and_retained_comes_once(broker, simulator, tmp_path):
    simulator.send([1], kind="fire", retain=True)
    taker = Taker(broker, tmp_path, filters=("estate/+/+/fire/#", "estate/+/+/lift/#"))
    taker.said("up")
    wait_for("the retained one", lambda: numbers(taker.kept()) == [1])
    assert "retained=1" in taker.kept()[0]
    taker.close()
    taker = Taker(broker, tmp_path, filters=("estate/+/+/fire/#", "estate/+/+/charger/#"))
    taker.said("up")
    wait_for("the filters are kept", lambda: (tmp_path / "filters").read_text() ==
             "+ estate/+/+/fire/#\n+ estate/+/+/charger/#\n")
    simulator.send([2], kind="lift")
    simulator.send([3], kind="charger")
    simulator.send([4], kind="fire")
    wait_for("3 and 4", lambda: numbers(taker.kept())[-1:] == [4])
    assert numbers(taker.kept()) == [1, 3, 4]
    taker.close()


def test_a_stolen_client_id_does_not_fight(broker, simulator, tmp_path):
    """mosquitto 2.0.11 closes without reason 0x8E: who is cut off twice within 10 s gives way."""
    first = Taker(broker, tmp_path)
    first.said("up")
    (tmp_path / "second").mkdir()
    second = Taker(broker, tmp_path / "second")
    wait_for("one gives way", lambda: any("stolen" in x for x in first.lines + second.lines))
    loser, winner = (first, second) if any("stolen" in x for x in first.lines) else (second, first)
    winner.said("up", times=2 if winner is first else 1)
    simulator.send(range(1, 6))
    wait_for("the winner has all", lambda: numbers(winner.kept()) == [1, 2, 3, 4, 5])
    assert "stolen" in loser.lines[-1] and "up" in winner.lines[-1]
    assert sum("up" in x for x in first.lines + second.lines) <= 6
    loser.write("reconnect")
    loser.said("up", times=sum("up" in x for x in loser.lines) + 1)
    first.kill()
    second.kill()


def test_a_wrong_password_is_refused_in_words_and_tried_again(broker, tmp_path):
    secret = tmp_path / "wrong"
    secret.write_text("nonsense\n")
    taker = Taker(broker, tmp_path, secret=secret)
    assert "Not authorized" in taker.said("refused")
    secret.write_text(broker.password("lane-fire") + "\n")
    taker.said("up", seconds=8)
    taker.close()


def test_a_missing_password_file_is_refused_with_its_name(broker, tmp_path):
    taker = Taker(broker, tmp_path, secret=tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in taker.said("refused")
    taker.close()
