"""Names that look like other names."""

from tests.wire.bad.inputs import Bad, asked_plate, get, new_account, put, sign_in

PLATES = (
    Bad("`粤Ｂ１２３４５` (full width)", "plate", asked_plate("粤Ｂ１２３４５"), 200, then="read as 粤B12345"),
    Bad("`粤b12345` (small)", "plate", asked_plate("粤b12345"), 200, then="read as 粤B12345"),
    Bad("`粤B·12345`, `粤B 12345`", "plate", asked_plate("粤B·123 45"), 200, then="read as 粤B12345"),
    Bad("`粤B1234O` (letter O)", "plate", asked_plate("粤B1234O"), 422, "plate.malformed"),
    Bad("`粤BI2345` (letter I)", "plate", asked_plate("粤BI2345"), 422, "plate.malformed"),
    Bad("`粤В12345` (Cyrillic)", "plate", asked_plate("粤\u041212345"), 422),
    Bad("`粤Β12345` (Greek)", "plate", asked_plate("粤\u039212345"), 422),
    Bad("`粤B\\u200b12345` (no width)", "plate", asked_plate("粤B\u200b12345"), 200, then="read as 粤B12345"),
    Bad("`\\u202e54321B粤` (backwards)", "plate", asked_plate("\u202e54321B粤"), 422),
    Bad("`粤B̈12345` (combining)", "plate", asked_plate("粤B\u030812345"), 422),
    Bad("`粵B12345` (traditional)", "plate", asked_plate("粵B12345"), 200, then="read as 粤B12345"),
    Bad("`粤B１２３٤٥` (Arabic digits)", "plate", asked_plate("粤B123\u0664\u0665"), 422),
    Bad("40 and more characters", "plate", asked_plate("粤B" + "1" * 60), 422),
)
NAMES = (
    Bad("`DESK-1`", "new login", new_account("DESK-1"), 409, "account.login_taken"),
    Bad(
        "`deſk-1` (long s)",
        "new login",
        new_account("de\u017fk-1"),
        409,
        "account.login_taken",
        "the same login by the rules of case",
    ),
    Bad("`ｄｅｓｋ-1` (full width)", "new login", new_account("ｄｅｓｋ-1"), 422, "account.login"),
    Bad("`dеsk-1` (Cyrillic)", "new login", new_account("d\u0435sk-1"), 422, "account.login"),
    Bad("`desk-1\\u200b` (no width)", "new login", new_account("desk-1\u200b"), 422, "account.login"),
    Bad("`desk-1\\u0000`", "new login", new_account("desk-1\u0000"), 422, "account.login"),
    Bad("`desk-1 ` (a space)", "new login", new_account(" desk-1 "), 409, "account.login_taken"),
    Bad(
        "`dеsk-1` (Cyrillic)",
        "login at sign-in",
        sign_in("d\u0435sk-1"),
        401,
        "auth.wrong",
        "the try is in the trail",
        changes=True,
    ),
    Bad("`ｍall` (full width)", "code of a lot", get("/v1/lots/%EF%BD%8Dall"), 404, "lot.not_found"),
    Bad("`MALL`", "code of a lot", get("/v1/lots/MALL"), 404, "lot.not_found", "codes are compared byte by byte"),
    Bad(
        "`ｍall` (full width)",
        "code in a lot file",
        put("/v1/lots/%EF%BD%8Dall", "lot: openberth/1\ncode: ｍall\n"),
        422,
    ),
    Bad("`%ff` (no UTF-8)", "code of a lot", get("/v1/lots/%ff"), 404, "lot.not_found"),
)
