"""Bodies that are bombs, lies, or of another kind than they say."""

import gzip

from tests.wire.bad.bench import Sent
from tests.wire.bad.inputs import CASH, JSON, OPEN, YAML, Bad, cash, post, put, reason

TARIFF = "tariff: openberth/1\ncode: mall\ncompany: demo\nname: {zh: 商场临停, en: Mall}\ncurrency: CNY\n"

BODIES = (
    Bad(
        "XML with an external entity",
        "JSON address",
        post(
            "/v1/quotes",
            b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
            "application/xml",
        ),
        415,
        "request.media_type",
    ),
    Bad(
        "XML with a billion laughs",
        "camera",
        Sent(
            "POST",
            "<camera>",
            b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><l>&b;</l>',
            "text/xml",
            token=False,
        ),
        422,
        then="nobody here reads XML",
    ),
    Bad("XML said to be JSON", "JSON address", post("/v1/quotes", b"<a/>"), 422, "request.malformed"),
    Bad(
        "gzip (`Content-Encoding`)",
        "JSON address",
        post("/v1/quotes", gzip.compress(b"{}"), **{"content-encoding": "gzip"}),
        415,
        "request.encoding",
    ),
    Bad(
        "gzip (`Content-Encoding`)",
        "document",
        Sent("PUT", "/v1/tariffs/mall", gzip.compress(TARIFF.encode()), YAML, (("Content-Encoding", "gzip"),)),
        415,
        "request.encoding",
    ),
    Bad("a ZIP file", "document", put("/v1/tariffs/mall", b"PK\x03\x04" + b"\0" * 100), 422, "document.character"),
    Bad("100 000 brackets", "JSON address", post("/v1/quotes", b"[" * 100_000), 422, "request.malformed"),
    Bad(
        "100 000 objects in one another",
        "JSON address",
        post(OPEN, b'{"reason":' * 20_000 + b"1" + b"}" * 20_000),
        422,
        "request.malformed",
    ),
    Bad("a number of 5 000 digits", "amount", post(CASH, cash(b"9" * 5_000)), 422, "request.malformed"),
    Bad("`1e400`", "amount", post(CASH, cash(b"1e400")), 422, "request.malformed"),
    Bad("`NaN`, `Infinity`", "amount", post(CASH, cash(b"NaN")), 422, "request.malformed"),
    Bad("`true` where a number is expected", "amount", post(CASH, cash(b"true")), 422, "request.malformed"),
    Bad(
        "the same key twice",
        "JSON address",
        post(OPEN, b'{"reason": "one", "reason": "two"}'),
        200,
        then="the last one counts (RFC 8259 leaves it open); nobody in front of us reads bodies",
        changes=True,
    ),
    Bad(
        "`__proto__`, `constructor`",
        "JSON address",
        post(OPEN, b'{"reason": "x", "__proto__": {"admin": true}}'),
        422,
        "request.malformed",
    ),
    Bad(
        "10 MB of one string",
        "JSON address",
        post(OPEN, b'{"reason": "' + b"x" * 10_000_000 + b'"}'),
        413,
        "request.too_large",
    ),
    Bad(
        "an endless chunked body",
        "JSON address",
        Sent(
            "POST",
            OPEN,
            b"".join(b"%x\r\n%s\r\n" % (65_536, b"x" * 65_536) for _ in range(8)),
            JSON,
            (("Transfer-Encoding", "chunked"),),
        ),
        413,
        "request.too_large",
    ),
    Bad("`ÿþ` (no UTF-8)", "JSON address", post(OPEN, b'{"reason": "\xff\xfe"}'), 422, "request.malformed"),
    Bad("UTF-16", "document", put("/v1/tariffs/mall", TARIFF.encode("utf-16")), 422, "request.malformed"),
    Bad("`\\ud800` (half a character)", "reason", post(OPEN, b'{"reason": "\\ud800"}'), 422, "request.malformed"),
    Bad("`\\u0000`", "reason", post(OPEN, b'{"reason": "a\\u0000b"}'), 422, "request.malformed"),
    Bad(
        "line breaks and `\\u001b[2J` (a terminal's words)",
        "reason",
        post(OPEN, b'{"reason": "a\\r\\n\\u001b[2J"}'),
        422,
        "request.malformed",
    ),
    Bad("`\\u202e` (writes backwards)", "reason", reason("\u202egnp.exe"), 422, "request.malformed"),
)
