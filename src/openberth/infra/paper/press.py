"""One thread that draws papers: bounded in what waits for it, and it keeps what it drew last."""

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

from openberth.infra.paper.model import Paper, PaperFormat, digest_of
from openberth.kernel.errors import Overloaded

WAITING_MAX = 32  # some seconds of drawing at most
KEPT_BYTES = 8 * 1024 * 1024


class Press:
    """Draws papers, one after the other: neither of its libraries may be used by two threads at once."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="press")
        self._waiting = 0
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0

    async def draw(self, paper: Paper, form: PaperFormat) -> bytes:
        """Return a paper as a file. Raises ``Overloaded("paper.busy")`` when too many wait."""
        name = digest_of(paper, form)
        kept = self._kept.get(name)
        if kept is not None:
            self._kept.move_to_end(name)
            return kept
        if self._waiting >= WAITING_MAX:
            raise Overloaded("paper.busy")
        self._waiting += 1
        try:
            drawn = await asyncio.get_running_loop().run_in_executor(self._thread, drawn_as, paper, form)
        finally:
            self._waiting -= 1
        self._keep(name, drawn)
        return drawn

    def close(self) -> None:
        """End the thread once it has drawn what it is at."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _keep(self, name: str, drawn: bytes) -> None:
        if name in self._kept or len(drawn) > KEPT_BYTES:
            return
        self._kept[name] = drawn
        self._bytes += len(drawn)
        while self._bytes > KEPT_BYTES:
            self._bytes -= len(self._kept.popitem(last=False)[1])


def drawn_as(paper: Paper, form: PaperFormat) -> bytes:
    """Return a paper as a file, now and in this thread."""
    # What draws takes a fifth of a second to import, and most processes never draw.
    from openberth.infra.paper.drawing import pdf_of
    from openberth.infra.paper.picture import png_of

    pdf = pdf_of(paper)
    return pdf if form is PaperFormat.PDF else png_of(pdf)
