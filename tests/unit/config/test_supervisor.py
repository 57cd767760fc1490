"""supervisord's configuration as it is rendered."""

import configparser
import shlex
import stat

from config import supervisor
from config.settings import Settings
from config.supervisor import Program


def parse(path):
    parser = configparser.RawConfigParser(inline_comment_prefixes=(" ;",))
    parser.read(path)
    return parser


def test_all_programs_are_one_group_that_is_kept_up(tmp_path):
    """One group is signalled at once; every program comes back and is killed with its children in the end."""
    settings = Settings(home=tmp_path / "home", _env_file=None)
    programs = [supervisor.redis(settings), Program("pbx", ["asterisk"]), *supervisor.python_programs(settings)]
    path = supervisor.render(settings, programs)
    parser = parse(path)
    assert parser["group:obzvon"]["programs"] == "redis,pbx,web,jobs,dial,beat"
    for program in programs:
        section = parser[f"program:{program.name}"]
        assert section["autorestart"] == "true"
        assert int(section["startretries"]) > 1_000_000
        assert section["killasgroup"] == "true"
        assert int(section["stopwaitsecs"]) <= 8
        assert f'OBZVON_HOME="{settings.home}"' in section["environment"]
    assert 'OBZVON_ROLE="dial"' in parser["program:dial"]["environment"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.sockets.stat().st_mode) == 0o700


def test_commands_survive_the_rendering(tmp_path):
    """Blanks, quotes and percent signs arrive as they are."""
    settings = Settings(home=tmp_path / "home", _env_file=None)
    command = ["/bin/echo", "two words", "100%", "it's", "dial@%h"]
    parser = parse(supervisor.render(settings, [Program("a", command)]))
    assert shlex.split(parser["program:a"]["command"] % {}) == command


def test_redis_keeps_nothing_and_has_no_port(tmp_path):
    """The broker is a unix socket of ours alone; the database is the truth."""
    settings = Settings(home=tmp_path / "home", runtime=tmp_path, _env_file=None)
    command = supervisor.redis(settings).command
    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert options["--port"] == "0"
    assert options["--save"] == ""
    assert options["--unixsocketperm"] == "700"
    assert options["--maxmemory-policy"] == "noeviction"


def test_the_dial_worker_listens_to_its_node_alone(tmp_path):
    """Queue names in the commands are those that the tasks are sent to."""
    settings = Settings(home=tmp_path / "home", node_name="west", web_host="::1", _env_file=None)
    programs = {program.name: list(program.command) for program in supervisor.python_programs(settings)}
    assert "dial.west" in programs["dial"]
    assert programs["jobs"][programs["jobs"].index("-Q") + 1] == "jobs"
    assert "--bind=[::1]:8080" in programs["web"]
