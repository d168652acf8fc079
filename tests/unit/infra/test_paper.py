"""Papers: what stands on them can be read and printed anywhere, breaks where it may, and is the same every time."""

import asyncio
import io
import threading
from collections.abc import Iterator

import pytest
from fontTools.ttLib import TTFont
from PIL import Image, ImageChops
from pypdf import PdfReader
from pypdf.generic import DictionaryObject

from openberth.infra.catalogue import LANGUAGES, catalogue
from openberth.infra.paper import Align, Gap, Paper, PaperFormat, Press, Qr, Row, Rule, Text, digest_of, drawing, press
from openberth.infra.paper.drawing import FONT_FILE, NO_GLYPH, pdf_of, shown
from openberth.infra.paper.picture import SCALE, png_of
from openberth.infra.paper.setting import HEIGHT_MAX, INNER, WIDTH, Words, pages_of, wrapped
from openberth.kernel.errors import Overloaded
from openberth.kernel.plates import PROVINCES
from tests.waiting import PATIENCE_S

ADDRESS = "https://parking.example/r/rAZ3kq0"


def paper(*words: str, mark: str | None = None) -> Paper:
    return Paper("收据", "zh", (*(Text(each) for each in words), Rule(), Row("合计", "12.00"), Qr(ADDRESS)), mark)


def by_sign(text: str, size: float) -> float:
    """Measure as if every Chinese sign were as wide as it is high, and every other half of it."""
    return sum(size if ord(sign) > 0x2E80 else size / 2 for sign in text)


def fonts_of(pdf: bytes) -> Iterator[DictionaryObject]:
    for page in PdfReader(io.BytesIO(pdf)).pages:
        resources = page["/Resources"]
        assert isinstance(resources, DictionaryObject)
        for each in resources["/Font"].get_object().values():  # type: ignore[union-attr]
            yield each.get_object()


def test_the_same_paper_is_the_same_bytes_and_another_is_not() -> None:
    one, other = paper("停车费"), paper("停车费 2")
    assert pdf_of(one) == pdf_of(paper("停车费")) != pdf_of(other)
    assert png_of(pdf_of(one)) == png_of(pdf_of(paper("停车费"))) != png_of(pdf_of(other))
    digests = {digest_of(each, form) for each in (one, other) for form in PaperFormat}
    assert len(digests) == 4


def test_its_words_can_be_read_and_every_font_that_it_uses_comes_along() -> None:
    pdf = pdf_of(paper("深圳市泊位停车场：粤B·**345", "白天 08:00–20:00", mark="已退款"))
    text = PdfReader(io.BytesIO(pdf)).pages[0].extract_text()
    for words in ("深圳市泊位停车场：粤B·**345", "白天 08:00–20:00", "合计", "12.00", "已退款"):
        assert words in text
    used = list(fonts_of(pdf))
    assert used
    for font in used:
        assert "/FontFile2" in font["/FontDescriptor"], font  # type: ignore[operator]


def test_the_picture_shows_chinese_and_no_boxes() -> None:
    """Each sign looks like itself: unlike an empty page, unlike any other sign, unlike the box for a missing one."""

    def drawn(sign: str) -> Image.Image:
        one = Paper("x", "zh", (Text(sign, 25.0, align=Align.CENTRE),))
        return Image.open(io.BytesIO(png_of(pdf_of(one)))).convert("L")

    pictures = [drawn(sign) for sign in ("粤", "停", "车", "￥", NO_GLYPH, " ")]
    assert {picture.size for picture in pictures} == {pictures[0].size}
    for index, one in enumerate(pictures):
        for other in pictures[index + 1 :]:
            assert ImageChops.difference(one, other).getbbox() is not None
    assert drawn("\U0001f697").tobytes() == drawn(NO_GLYPH).tobytes()  # a car as a picture: no letter of any plate


def test_the_picture_is_as_wide_as_the_paper_and_not_blank() -> None:
    pdf = pdf_of(paper("停车费"))
    picture = Image.open(io.BytesIO(png_of(pdf)))
    height = float(PdfReader(io.BytesIO(pdf)).pages[0].mediabox.height)
    assert abs(picture.width - WIDTH * SCALE) <= 1
    assert abs(picture.height - height * SCALE) <= 1
    dark = picture.convert("L").histogram()[:64]
    assert sum(dark) > 1_000


def test_the_font_has_every_sign_that_papers_may_need() -> None:
    entries = catalogue()
    words = "".join(
        entries.text(code, language)
        for code in entries.codes()
        if code.startswith(("e_receipt.", "tariff.line.", "bill.line.", "top.method."))
        for language in LANGUAGES
    )
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789" + PROVINCES + "港澳学警领使挂试应急民航¥€·*〓（）：，。-–−"
    assert shown(words) == words
    assert shown(letters) == letters
    assert shown("喆") == NO_GLYPH  # beyond GB 2312: told as missing, never a hole


def test_the_font_says_whose_it_is() -> None:
    from importlib.resources import files

    folder = files("openberth.infra.paper") / "font"
    assert len((folder / FONT_FILE).read_bytes()) < 3_000_000
    with (folder / FONT_FILE).open("rb") as file:
        names = TTFont(file)["name"]
        assert "SIL Open Font License" in str(names.getDebugName(13))
    assert "SIL OPEN FONT LICENSE" in (folder / "OFL.txt").read_text()


def test_words_break_where_they_may() -> None:
    assert wrapped("停车场停车场", 10, 30, by_sign) == ["停车场", "停车场"]
    assert wrapped("two words here", 10, 50, by_sign) == ["two words", "here"]
    assert wrapped("停车费，合计", 10, 30, by_sign) == ["停车", "费，合", "计"]  # no line begins with a comma
    assert wrapped("ABCDEFGHIJ", 10, 20, by_sign) == ["ABCD", "EFGH", "IJ"]  # too long for any line
    assert wrapped("停" * 3, 10, 1, by_sign) == ["停"] * 3
    assert wrapped("", 10, 50, by_sign) == [""]


def test_a_long_row_wraps_within_its_share_and_its_value_stays_right() -> None:
    [page] = pages_of(Paper("x", "zh", (Row("夜间按次收费" * 12, "-1234.00"),)), by_sign)
    words = [each for each in page.marks if isinstance(each, Words)]
    values = [each for each in words if each.text == "-1234.00"]
    assert len(words) > 3
    assert len(values) == 1
    edge = WIDTH - (WIDTH - INNER) / 2
    assert abs(values[0].x + by_sign(values[0].text, values[0].size) - edge) < 0.01
    for each in words:
        if each is not values[0]:
            assert each.x + by_sign(each.text, each.size) < values[0].x
    assert "".join(each.text for each in words if each is not values[0]) == "夜间按次收费" * 12


def test_what_is_long_goes_on_on_the_next_page() -> None:
    rows = tuple(Row(f"第 {number} 项", "1.00") for number in range(200))
    long = Paper("x", "zh", (*rows, Gap(), Rule()), page="第 {page} 页，共 {pages} 页")
    pages = pages_of(long, by_sign)
    told = [mark.text for page in pages for mark in page.marks if isinstance(mark, Words)]
    assert [each for each in told if each.endswith("项")] == [row.left for row in rows]
    assert [each for each in told if each.endswith("页")] == [f"第 {n} 页，共 {len(pages)} 页" for n in (1, 2, 3)]
    assert all(page.height <= HEIGHT_MAX for page in pages)
    pdf = pdf_of(long)
    heights = sum(float(page.mediabox.height) for page in PdfReader(io.BytesIO(pdf)).pages)
    assert abs(Image.open(io.BytesIO(png_of(pdf))).height - heights * SCALE) <= len(pages)


def test_a_paper_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match="pages"):
        pages_of(Paper("x", "zh", tuple(Text("x") for _ in range(3_000))), by_sign)


def test_the_press_keeps_what_it_drew_and_bounds_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    going = threading.Event()

    def slow(asked: Paper, form: PaperFormat) -> bytes:
        assert going.wait(PATIENCE_S)
        made.append(asked.title)
        return f"{asked.title}.{form}".encode() * 10

    monkeypatch.setattr(press, "drawn_as", slow)
    monkeypatch.setattr(press, "WAITING_MAX", 3)
    monkeypatch.setattr(press, "KEPT_BYTES", 100)
    papers = [Paper(str(number), "zh", ()) for number in range(4)]

    async def asked() -> None:
        printer = Press()
        waiting = [asyncio.create_task(printer.draw(each, PaperFormat.PDF)) for each in papers[:3]]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match=r"paper\.busy"):
            await printer.draw(papers[3], PaperFormat.PDF)
        going.set()
        drawn = await asyncio.gather(*waiting)
        assert drawn[2] == b"2.pdf" * 10
        assert await printer.draw(papers[2], PaperFormat.PDF) == drawn[2]
        assert made == ["0", "1", "2"]  # the last one was kept
        assert await printer.draw(papers[0], PaperFormat.PDF) == drawn[0]
        assert made == ["0", "1", "2", "0"]  # the first one had to go
        printer.close()

    asyncio.run(asked())


def test_nothing_is_imported_before_something_is_drawn() -> None:
    """What draws takes a fifth of a second to import: the press imports it in its own thread."""
    assert "drawing" not in vars(press)
    assert "png_of" not in vars(press)
    assert drawing.__name__.endswith("drawing")
