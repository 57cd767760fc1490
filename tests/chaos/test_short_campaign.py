"""The fault rig in short: what ``make chaos`` proves at length, on both databases (safety.md, I1 to I7)."""

from pathlib import Path

import pytest

from chaos.options import Options
from chaos.run import run

pytestmark = [pytest.mark.telephony, pytest.mark.timeout(900)]


@pytest.mark.parametrize(("database", "seed"), [("sqlite", 11), ("mariadb", 12)])
def test_nobody_twice_nobody_lost_whatever_breaks(database, seed, tmp_path_factory):
    """500 people, ten kills and six other faults; a user works meanwhile. The oracle knows the carrier's log only."""
    folder = Path(tmp_path_factory.mktemp("c"))  # short: sockets have their place below it
    told: list[str] = []
    options = Options(contacts=500, kills=10, others=6, seed=seed, database=database, longest_s=2.5, first_block=50)
    result = run(options, folder, told.append)
    assert result.troubles == [], told
    assert result.judgement is not None
    assert result.judgement.breaches == (), told
    done = [item for item in result.done if not item.missed]
    assert len(done) >= 15, [item.missed for item in result.done]
    assert len({item.planned.kind for item in done}) >= 4
    assert result.judgement.measures.calls >= 500
