"""How long generated tests look: shortly with everything else, for an hour when somebody asks for it.

``HYPOTHESIS_PROFILE=long python -m pytest tests/property/tariffs -n 0`` looks fifty times as long.
"""

import os

from hypothesis import settings

# The same stays every time: a rare one that differs is found by looking long, not by a run that has to be green.
settings.register_profile("short", deadline=None, derandomize=True, database=None)
settings.register_profile("long", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))
