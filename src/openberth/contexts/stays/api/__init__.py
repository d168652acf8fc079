"""Routes of stays: for operators, and for drivers who scan a code."""

from openberth.contexts.stays.api.cases import CasesApi
from openberth.contexts.stays.api.codes import CodesApi
from openberth.contexts.stays.api.e_receipts import EReceiptsApi, PayersApi
from openberth.contexts.stays.api.history import HistoryApi
from openberth.contexts.stays.api.pictures import PicturesApi
from openberth.contexts.stays.api.places import PlacesApi, lot_id
from openberth.contexts.stays.api.plates import PlatesApi
from openberth.contexts.stays.api.what_if import WhatIfApi

__all__ = [
    "CasesApi",
    "CodesApi",
    "EReceiptsApi",
    "HistoryApi",
    "PayersApi",
    "PicturesApi",
    "PlacesApi",
    "PlatesApi",
    "WhatIfApi",
    "lot_id",
]
