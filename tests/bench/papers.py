"""What an electronic receipt costs: CPU of the PDF, and of the picture made of it, each drawn anew, in one thread."""

import time
from dataclasses import replace

from openberth.contexts.payments.telling import paper_of
from openberth.infra.paper import PaperFormat
from openberth.infra.paper.press import drawn_as
from tests.unit.contexts.payments.test_e_receipts import ISSUED, LINK, bill, line, printed, receipt

COUNT = 20
KINDS = ((8, "8 lines, 1 page"), (60, "60 lines, 2 pages"))


def report() -> None:
    """Measure receipts of a usual and of a long stay, and print a table."""
    print("\n| electronic receipt | PDF, CPU | bytes | picture with its PDF, CPU | bytes |")
    print("| --- | --- | --- | --- | --- |")
    for lines, name in KINDS:
        params = {"band_zh": "白天", "band_en": "day", "units": 4, "unit_minutes": 30, "price": "2.50 CNY"}
        priced = [line(1_000, "tariff.line.units_in_band", **params)] * lines
        paper = paper_of(printed(bill(priced, lines * 1_000), receipt(lines * 1_000)), ISSUED, [], "zh", link=LINK)
        cells = []
        for form in PaperFormat:
            drawn = drawn_as(paper, form)  # imports and the font, once in a process
            before = time.process_time()
            for number in range(COUNT):
                drawn_as(replace(paper, title=str(number)), form)
            cells.append(f"{(time.process_time() - before) / COUNT * 1e3:.0f} ms | {len(drawn):,}")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    report()
