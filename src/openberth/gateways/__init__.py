"""Where devices come in: one folder per kind of device, each with its wire format, its session and its asyncio port."""
