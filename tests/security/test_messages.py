"""Messages to the workers are JSON; a pickle from whoever reached the broker runs nothing."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import kombu
import redis

from tests.support.servers import wait_until

ROOT = Path(__file__).resolve().parents[2]


class _Evil:
    """Unpickling it makes a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (str(self.target),)


def test_the_payload_would_run_if_it_were_unpickled(tmp_path):
    """The proof that the next test tries something."""
    pickle.loads(pickle.dumps(_Evil(tmp_path / "made")))
    assert (tmp_path / "made").exists()


def test_a_pickle_is_refused_and_the_worker_goes_on(tmp_path, redis_url):
    """A real worker on a real Redis: the pickle is thrown away with a line in the log, the next message is taken."""
    home, made, log = tmp_path / "home", tmp_path / "made", tmp_path / "worker.log"
    environment = {**os.environ, "OBZVON_HOME": str(home), "OBZVON_BROKER_URL": redis_url, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "celery", "-A", "celery_worker", "worker", "-Q", "security", "-P", "solo"]
    command += ["--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "INFO"]
    with log.open("wb") as output:
        worker = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        with kombu.Connection(redis_url) as connection:
            queue = kombu.Queue("security", exchange=kombu.Exchange(""), routing_key="security")
            producer = connection.Producer()
            headers = {"lang": "py", "task": "dialer.reload_trunks", "id": "1", "argsrepr": "()", "kwargsrepr": "{}"}
            body = ((_Evil(made),), {}, {})
            producer.publish(body, serializer="pickle", routing_key="security", headers=headers, declare=[queue])
            producer.publish([[], {}, {}], serializer="json", routing_key="security", headers={**headers, "id": "2"})
        with redis.Redis(unix_socket_path=redis_url.removeprefix("redis+socket://")) as broker:
            wait_until(lambda: "ContentDisallowed" in log.read_text(), 40, "the pickle is refused")
            left = lambda: broker.llen("security") + broker.hlen("unacked")  # noqa: E731
            wait_until(lambda: left() == 0, 20, "the second message is taken")
        assert worker.poll() is None
    finally:
        worker.terminate()
        worker.wait(20)
    assert not made.exists()
