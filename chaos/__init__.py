"""The proof of the promise: a rig that breaks the product while it dials, and an oracle that judges what came of it.

``make chaos [CONTACTS=10000] [KILLS=200] [SEED=n] [DB=sqlite|mariadb] [KEEP=1]``

``options.py``   what the caller may choose
``plan.py``      pure: from the seed, which fault comes when
``copy.py``      the whole product in a home of its own, on a disk, behind a line and with a clock that can be spoiled
``faults.py``    carries out one fault
``watch.py``     follows the carrier's log: how far dialing is, and since when it goes on
``user.py``      a person who keeps working through the JSON API
``run.py``       the order of things
``report.py``    what is printed
``oracle/``      judges by the evidence alone; formats of the evidence: ``oracle/evidence.py``
"""
