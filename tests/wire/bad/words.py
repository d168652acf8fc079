"""Words that mean something to a database, a browser or a file system."""

from tests.wire.bad.inputs import Bad, get, post, put, reason, sign_in

SQL = "' OR '1'='1' --"
TARIFF = "tariff: openberth/1\ncode: mall\ncompany: demo\nname: {zh: 商场临停, en: Mall}\ncurrency: CNY\n"

SQL_WORDS = (
    Bad("`' OR '1'='1' --`", "code of a lot", get("/v1/lots/%27%20OR%20%271%27%3D%271%27%20--"), 404, "lot.not_found"),
    Bad(
        "`mall'; DROP TABLE lot; --`",
        "filter `lot`",
        get("/v1/stays?lot=mall%27%3B%20DROP%20TABLE%20lot%3B%20--"),
        404,
        "lot.not_found",
    ),
    Bad(
        "`mall' UNION SELECT sealed FROM vault --`",
        "filter `lot`",
        get("/v1/bills?lot=mall%27%20UNION%20SELECT%20sealed"),
        404,
        "lot.not_found",
    ),
    Bad(
        "`%' OR plate_id IS NOT NULL --`",
        "filter `plate`",
        get("/v1/stays?lot=mall&plate=%25%27%20OR%20plate_id%20IS%20NOT%20NULL%20--"),
        200,
        then="no stay has such a plate",
    ),
    Bad("`' OR '1'='1' --`", "login", sign_in(SQL), 401, "auth.wrong", "the try is in the trail", changes=True),
    Bad(
        "`x'); DELETE FROM stay; --`",
        "reason",
        reason("x'); DELETE FROM stay; --"),
        200,
        then="kept as the words that they are",
        changes=True,
    ),
    Bad(
        "`1; DROP TABLE event`",
        "position of the log",
        get("/v1/events?after=1%3B%20DROP%20TABLE%20event"),
        422,
        "request.malformed",
    ),
    Bad("`../x' OR 1=1`", "cursor", get("/v1/stays?lot=mall&cursor=..%2Fx%27%20OR%201%3D1"), 422, "request.cursor"),
)
MARKUP = (
    Bad(
        "`<script>alert(1)</script>`",
        "reason",
        reason("<script>alert(1)</script>"),
        200,
        then="kept as it is; answers are JSON and `nosniff`",
        changes=True,
    ),
    Bad(
        "`<script>…` as name of a lot and a lane",
        "lot file",
        put(
            "/v1/lots/x-mall",
            (
                "lot: openberth/1\n"
                "code: x-mall\n"
                "company: demo\n"
                "name: {zh: '<script>alert(1)</script>', en: '<img src=x onerror=alert(1)>'}\n"
                "zone: Asia/Shanghai\n"
                "currency: CNY\n"
                "capacity: 4\n"
                "tariff: mall\n"
                "areas:\n"
                "  - {code: a, name: {zh: '<b>', en: '\"><svg onload=alert(1)>'}, capacity: 4}\n"
                "lanes:\n"
                "  - {code: in, name: {zh: '<script>', en: '</title><script>'}, kind: entry, to: a}\n"
                "devices:\n"
                "  - {code: cam, kind: vzenith_http, lane: in, addresses: [127.0.0.0/8]}\n"
            ),
        ),
        201,
        then="the driver's page shows the characters",
        changes=True,
    ),
    Bad(
        "`javascript:alert(1)`",
        "language of a page",
        get("/c/<sign>?lang=javascript:alert(1)", accept="text/html"),
        200,
        then="a page in the default language",
    ),
    Bad(
        '`"><script>`',
        "code of a sign",
        get("/c/%22%3E%3Cscript%3E", accept="text/html"),
        404,
        then="the page of a code that stands on no sign",
    ),
)
PATHS = (
    Bad("`../../etc/passwd`", "code of a lot", get("/v1/lots/../../etc/passwd"), 404, "request.not_found"),
    Bad("`..%2f..%2fetc%2fpasswd`", "code of a lot", get("/v1/lots/..%2f..%2fetc%2fpasswd"), 404, "request.not_found"),
    Bad(
        "`%252e%252e%252fkeys.json` (encoded twice)",
        "code of a lot",
        get("/v1/lots/%252e%252e%252fkeys.json"),
        404,
        "lot.not_found",
    ),
    Bad(
        "`..%5c..%5ckeys.json` (backslash)", "code of a lot", get("/v1/lots/..%5c..%5ckeys.json"), 404, "lot.not_found"
    ),
    Bad("`mall%00.yaml` (NUL)", "code of a lot", get("/v1/lots/mall%00.yaml"), 404, "lot.not_found"),
    Bad(
        "`..%2f..%2foperator.token`",
        "passage of a picture",
        get("/v1/passages/..%2f..%2foperator.token/pictures/0"),
        404,
        "request.not_found",
    ),
    Bad(
        "`0%2f..%2f1`",
        "number of a picture",
        get("/v1/passages/<passage>/pictures/0%2f..%2f1"),
        404,
        "request.not_found",
    ),
    Bad("`-1` and beyond", "number of a picture", get("/v1/passages/<passage>/pictures/-1"), 422, "request.malformed"),
    Bad(
        "`../../etc/passwd`",
        "zone of a quote",
        post(
            "/v1/quotes",
            {
                "document": TARIFF,
                "zone": "../../etc/passwd",
                "entered": "2026-03-02T02:00:00Z",
                "until": "2026-03-02T03:00:00Z",
            },
        ),
        422,
    ),
    Bad("`//evil.example/v1/clock`", "address", get("//evil.example/v1/clock"), 404),
    Bad(
        "`http://evil.example/v1/clock` (absolute)",
        "address",
        get("http://evil.example/v1/clock"),
        200,
        then="the path counts, not the host",
    ),
)
