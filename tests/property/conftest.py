"""How long generated tests look: shortly with everything else, for an hour when somebody asks for it.

``HYPOTHESIS_PROFILE=long python -m pytest tests/property/tariffs -n 0`` looks fifty times as long.
"""

import os

from hypothesis import settings

settings.register_profile("short", deadline=None)
settings.register_profile("long", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))
