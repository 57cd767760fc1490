"""A copy with few and light processes, for tests of starting and ending: ``python -m tests.support.small_copy``.

The real command line and supervisord, without database and Asterisk: a page, a Redis, and a process with
a child. With ``STUBBORN=yes`` in the environment these two ignore every request to end.
"""

import sys

from config import supervisor
from config.supervisor import Program
from web import cli, first_start


def programs(settings):
    page = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(settings.run)]
    return [
        supervisor.redis(settings),
        Program("web", [*page, str(settings.web_port)]),
        Program("family", [sys.executable, "-m", "tests.support.family"]),
    ]


if __name__ == "__main__":
    first_start.programs = programs
    first_start.fill = lambda settings: ("admin", "secret")
    sys.exit(cli.main())
