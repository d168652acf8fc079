"""What stands around a body: headers, and the lines of the protocol."""

from tests.wire.bad.bench import Sent
from tests.wire.bad.inputs import OPEN, Bad, get, post

HEADERS = (
    Bad("`%0d%0aSet-Cookie: a=b`", "code of a sign", get("/c/AAAA%0d%0aSet-Cookie:%20a=b"), 404, "code.not_found"),
    Bad(
        "`%0d%0aX-Evil: 1`",
        "query of a page",
        get("/c/<sign>?lang=en%0d%0aX-Evil:%201", accept="text/html"),
        200,
        then="the page; no header of that name",
    ),
    Bad(
        "`k\\r\\nX-Evil: 1` (a header more)",
        "`Idempotency-Key`",
        post(OPEN, {"reason": "x"}, **{"idempotency-key": "k\r\nX-Evil: 1"}),
        200,
        then="an unknown header is no header",
        changes=True,
    ),
    Bad(
        "201 characters",
        "`Idempotency-Key`",
        post(OPEN, {"reason": "x"}, **{"idempotency-key": "k" * 201}),
        422,
        "request.malformed",
    ),
    Bad(
        "`demo\\u2028`",
        "`X-OpenBerth-Company`",
        get("/v1/lots", **{"x-openberth-company": "demo\u2028"}),
        200,
        then="the operator of the machine acts for all companies",
    ),
    Bad(
        "`00-zz-zz-01`", "`traceparent`", get("/v1/clock", traceparent="00-zz-zz-01\tx"), 200, then="a trace of our own"
    ),
    Bad(
        "20 000 languages",
        "`Accept-Language`",
        get("/v1/lots/none", **{"accept-language": "xx;q=0.1," * 2_000}),
        404,
        "lot.not_found",
    ),
    Bad(
        "`Bearer ` with a line of spaces",
        "`Authorization`",
        Sent("GET", "/v1/clock", headers=(("Authorization", "Bearer " + " " * 4_000),), token=False),
        401,
        "auth.required",
    ),
)
LINES = (
    Bad(
        "`Content-Length` and `Transfer-Encoding` at once",
        "request line",
        Sent(
            "",
            "",
            raw=(
                b"POST /v1/quotes HTTP/1.1\r\n"
                b"Host: h\r\n"
                b"Content-Length: 4\r\n"
                b"Transfer-Encoding: chunked\r\n"
                b"\r\n"
                b"0\r\n"
                b"\r\n"
                b"GET /v1/clock HTTP/1.1\r\n"
                b"\r\n"
            ),
        ),
        400,
        then="the connection ends",
    ),
    Bad(
        "two different `Content-Length`",
        "request line",
        Sent("", "", raw=b"POST /v1/quotes HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde"),
        400,
        then="the connection ends",
    ),
    Bad(
        "a chunk of `zz` bytes",
        "request line",
        Sent(
            "",
            "",
            raw=b"POST /v1/quotes HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
        ),
        400,
        then="the connection ends",
    ),
    Bad(
        "`GET /\\x00 HTTP/1.1`",
        "request line",
        Sent("", "", raw=b"GET /\x00 HTTP/1.1\r\nHost: h\r\n\r\n"),
        400,
        then="the connection ends",
    ),
    Bad(
        "a TLS greeting",
        "request line",
        Sent("", "", raw=b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + b"x" * 60 + b"\r\n\r\n"),
        400,
        then="the connection ends",
    ),
    Bad("`TRACE`", "method", Sent("TRACE", "/v1/clock"), 405, "request.method"),
    Bad("`get`", "method", Sent("get", "/v1/clock"), 400),
    Bad("`BREW`", "method", Sent("BREW", "/v1/clock"), 400),
)
