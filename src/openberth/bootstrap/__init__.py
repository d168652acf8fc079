"""The only composition root: settings in, running roles out.

``open_house`` builds everything in order and takes it down in reverse; ``House.run`` keeps the background work of the
process's roles going. Nothing else in the program constructs adapters: ``outside`` those that go out, ``devices`` those
that devices come in by, ``storage`` what lies on the machine.
"""

from openberth.bootstrap.devices import DeviceRoom
from openberth.bootstrap.house import CHECKS, House, open_house
from openberth.bootstrap.storage import clocks_of, opened_database

__all__ = ["CHECKS", "DeviceRoom", "House", "clocks_of", "open_house", "opened_database"]
