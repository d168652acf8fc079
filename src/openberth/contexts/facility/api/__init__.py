"""Operator routes of facility."""

from openberth.contexts.facility.api.alarms import EndedAlarmsApi
from openberth.contexts.facility.api.devices import DevicesApi
from openberth.contexts.facility.api.files import LotFilesApi
from openberth.contexts.facility.api.logins import DeviceLoginsApi
from openberth.contexts.facility.api.operation import CommandView, FacilityApi, command_view
from openberth.contexts.facility.api.plans import PlansApi
from openberth.contexts.facility.api.sensors import SensorsApi

__all__ = [
    "CommandView",
    "DeviceLoginsApi",
    "DevicesApi",
    "EndedAlarmsApi",
    "FacilityApi",
    "LotFilesApi",
    "PlansApi",
    "SensorsApi",
    "command_view",
]
