"""A stand-in for api.mch.weixin.qq.com (APIv3): orders, refunds, bills, callbacks, keys. No real money moves.

Written from the published documents alone and sharing no code with any client, so that one mistake cannot cancel itself
out. As strict as the real one where that is known; what is only known in part is said in ``docs/guides/sandboxes.md``.

Two clocks: signatures, tokens and time-outs go by the machine's time; orders, refunds, bills and the schedule of
callbacks by business time, which the control side may set, advance and speed up.
"""
