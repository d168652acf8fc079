"""MQTT: the endpoint that devices dial into, an outside broker instead of it, and one ``DeviceHub`` over both.

``codec`` (bytes and packets) with ``properties`` and ``topics``, ``mailbox`` (what a device has still to get),
``session`` (one connection's state machine), ``connection``, ``desk`` and ``endpoint`` (asyncio), ``broker`` (one of
others) and ``link`` (the house).
"""
