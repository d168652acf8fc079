"""Documents, numbers and instants that no operator writes."""

from tests.wire.bad.inputs import CASH, Bad, cash, get, post, put

TARIFF = "tariff: openberth/1\ncode: mall\ncompany: demo\nname: {zh: 商场临停, en: Mall}\ncurrency: CNY\n"

DOCUMENTS = (
    Bad(
        "anchors and aliases (a billion laughs)",
        "tariff",
        put("/v1/tariffs/mall", "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"),
        422,
        "document.alias",
    ),
    Bad(
        "anchors and aliases",
        "lot file",
        put("/v1/lots/mall", "lot: openberth/1\nname: &n {zh: a, en: b}\nareas: [*n, *n]\n"),
        422,
        "document.alias",
    ),
    Bad(
        "anchors and aliases",
        "permit list",
        put("/v1/lots/mall/permits", "permits: &p openberth/1\nlot: *p\n"),
        422,
        "document.alias",
    ),
    Bad(
        "`!!python/object/apply:os.system`",
        "tariff",
        put("/v1/tariffs/mall", "tariff: !!python/object/apply:os.system [id]\n"),
        422,
        "document.tag",
    ),
    Bad("`<<: {…}` (merge key)", "tariff", put("/v1/tariffs/mall", "<<: {code: mall}\ntariff: openberth/1\n"), 422),
    Bad("17 levels", "tariff", put("/v1/tariffs/mall", "a: " + "[" * 17 + "]" * 17), 422, "document.deep"),
    Bad("the same key twice", "tariff", put("/v1/tariffs/mall", TARIFF + "code: vip\n"), 422, "document.duplicate_key"),
    Bad(
        "`Infinity`, `1e9`, `0x10`",
        "price",
        put("/v1/tariffs/mall", TARIFF + "charge: {unit_minutes: 0x10, price: .inf}\n"),
        422,
    ),
    Bad("1.1 MB", "lot file", put("/v1/lots/mall", "#" + "x" * 1_100_000), 422, "document.large"),
    Bad("5 MB", "lot file", put("/v1/lots/mall", "#" + "x" * 5_000_000), 413, "request.too_large"),
    Bad("two documents in one", "tariff", put("/v1/tariffs/mall", TARIFF + "---\n" + TARIFF), 422),
    Bad(
        "another code than the address",
        "tariff",
        put("/v1/tariffs/vip", (TARIFF + 'charge: {unit_minutes: 30, price: "1.00"}\n')),
        409,
        "tariff.code_differs",
    ),
    Bad(
        "a zone of nowhere",
        "lot file",
        put(
            "/v1/lots/x-zone",
            (
                "lot: openberth/1\n"
                "code: x-zone\n"
                "company: demo\n"
                "name: {zh: a, en: b}\n"
                "zone: Mars/Base\n"
                "currency: CNY\n"
                "capacity: 4\n"
                "tariff: mall\n"
                "areas:\n"
                "  - {code: a, name: {zh: a, en: b}, capacity: 4}\n"
                "lanes: []\n"
                "devices: []\n"
            ),
        ),
        422,
    ),
)
NUMBERS = (
    Bad("`10^30`", "`limit`", get("/v1/stays?lot=mall&limit=1" + "0" * 30), 422, "request.malformed"),
    Bad("`-1`", "`after`", get("/v1/events?after=-1"), 422, "request.malformed"),
    Bad("`２` (full width)", "`limit`", get("/v1/stays?lot=mall&limit=%EF%BC%92"), 422, "request.malformed"),
    Bad(
        "the year 99999",
        "instant",
        post("/v1/quotes", {"tariff": "mall", "entered": "99999-01-01T00:00:00Z", "until": "2026-03-02T03:00:00Z"}),
        422,
        "request.malformed",
    ),
    Bad(
        "the year 9999",
        "instant",
        put("/v1/tariffs/mall?valid_from=9999-12-31T23:59:59Z", TARIFF),
        422,
        "request.malformed",
    ),
    Bad(
        "the 30th of February",
        "instant",
        post("/v1/quotes", {"tariff": "mall", "entered": "2026-02-30T00:00:00Z", "until": "2026-03-02T03:00:00Z"}),
        422,
        "request.malformed",
    ),
    Bad(
        "without a zone",
        "instant",
        post("/v1/quotes", {"tariff": "mall", "entered": "2026-03-02T00:00:00", "until": "2026-03-02T03:00:00Z"}),
        422,
        "request.malformed",
    ),
    Bad(
        "a century",
        "stay to price",
        post("/v1/quotes", {"tariff": "mall", "entered": "2026-03-02T00:00:00Z", "until": "2126-03-02T03:00:00Z"}),
        422,
        "quote.period",
    ),
    Bad("`-5`", "amount", post(CASH, cash(-5, "CNY")), 422, "request.malformed"),
    Bad("`10^13` fen", "amount", post(CASH, cash(10**13, "CNY")), 422, "request.malformed"),
    Bad("`XXX`", "currency", post(CASH, cash(5, "XXX")), 422, "request.malformed"),
    Bad("`²` (a digit of no number)", "cursor of the trail", get("/v1/audit?cursor=%C2%B2"), 422, "request.cursor"),
    Bad("the year 99999", "calendar", get("/v1/calendars/cn?year=99999"), 422, "request.malformed"),
    Bad(
        "month 13",
        "what-if",
        post("/v1/lots/mall/what-if", {"month": "2026-13", "tariff": "mall", "number": 1}),
        422,
        "request.malformed",
    ),
)
