from tests.wire.bad.page import PAGE, page

PAGE.write_text(page(), encoding="utf-8")
