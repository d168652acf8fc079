"""Routes of stays: for operators, and for drivers who scan a code."""

from openberth.contexts.stays.api.cases import CasesApi
from openberth.contexts.stays.api.codes import CodesApi
from openberth.contexts.stays.api.displays import DisplaysApi
from openberth.contexts.stays.api.e_receipts import EReceiptsApi, PayersApi
from openberth.contexts.stays.api.history import HistoryApi
from openberth.contexts.stays.api.mine import MineApi
from openberth.contexts.stays.api.occupancy import OccupancyCheckApi
from openberth.contexts.stays.api.orders import Orders
from openberth.contexts.stays.api.pictures import PicturesApi
from openberth.contexts.stays.api.places import PlacesApi, lot_id
from openberth.contexts.stays.api.plates import PlatesApi
from openberth.contexts.stays.api.replay import ReplayApi
from openberth.contexts.stays.api.signs import Signs
from openberth.contexts.stays.api.what_if import WhatIfApi
from openberth.contexts.stays.api.whereabouts import WhereaboutsApi

__all__ = [
    "CasesApi",
    "CodesApi",
    "DisplaysApi",
    "EReceiptsApi",
    "HistoryApi",
    "MineApi",
    "OccupancyCheckApi",
    "Orders",
    "PayersApi",
    "PicturesApi",
    "PlacesApi",
    "PlatesApi",
    "ReplayApi",
    "Signs",
    "WhatIfApi",
    "WhereaboutsApi",
    "lot_id",
]
