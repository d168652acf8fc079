"""A stand-in for Alipay's v2 gateway (``/gateway.do``): trades, refunds, bills, notifications. No real money moves.

Written from the published documents alone and sharing no code with any client, so that one mistake cannot cancel itself
out. Where it is stricter than the real one, or only guesses, ``docs/guides/sandboxes.md`` says so.

Two clocks: time stamps of requests, addresses of files and time-outs go by the machine's time; trades, refunds, bills
and the schedule of notifications by business time, which the control side may set, advance and speed up.
"""
