"""supervisord outlives a full disk. /dev/full answers every write as a full disk does."""

import subprocess
import sys

from config import supervisor

WRITE = """
from supervisor import loggers
{more}
logger = loggers.getLogger()
loggers.handle_file(logger, {name!r}, "%(message)s\\n", rotating={rotating}, maxbytes=1, backups=1)
for number in range(3):
    logger.info(f"line {{number}}")
"""


def write_with(stderr, **values):
    """Log three lines in a process whose stderr is on that disk too; its exit code."""
    with open(stderr, "w") as handle:
        code = WRITE.format(**values)
        return subprocess.run([sys.executable, "-c", code], stderr=handle, cwd=supervisor.ROOT, check=False).returncode


def test_a_line_that_cannot_be_written_is_given_up():
    """Without our change the same lines end the process: the reason for config/supervised.py still stands."""
    own = {"more": "import config.supervised", "name": "/dev/full", "rotating": False}
    assert write_with("/dev/full", **own) == 0
    assert write_with("/dev/full", **{**own, "more": ""}) != 0


def test_files_still_roll_over(tmp_path):
    name = str(tmp_path / "x.log")
    assert write_with("/dev/full", more="import config.supervised", name=name, rotating=True) == 0
    assert (tmp_path / "x.log.1").read_text() == "line 2\n"


def test_a_file_that_cannot_be_rolled_over_goes_on(tmp_path):
    """Its new name is taken by a folder."""
    (tmp_path / "x.log.1").mkdir()
    (tmp_path / "x.log.1" / "y").touch()
    name = str(tmp_path / "x.log")
    assert write_with("/dev/full", more="import config.supervised", name=name, rotating=True) == 0
    assert (tmp_path / "x.log").read_text() == "line 0\nline 1\nline 2\n"


def test_supervisord_is_run_that_way(tmp_path):
    from config.settings import Settings

    assert "config.supervised" in supervisor.command(Settings(home=tmp_path, _env_file=None))
