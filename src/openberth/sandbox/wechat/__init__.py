"""A stand-in for the parts of api.weixin.qq.com that a mini-program's server talks to. Nobody's phone is involved.

As strict as the real one: codes hold five minutes and once, a login code is no phone code, interface tokens expire,
forced refreshes are rationed, answers have status 200 with an ``errcode`` and say that they are ``text/plain``.
"""
