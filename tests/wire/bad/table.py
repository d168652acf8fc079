"""Bad inputs and what each gets; ``python -m tests.wire.bad`` writes ``docs/guides/bad-inputs.md`` from these rows."""

from tests.wire.bad.bodies import BODIES
from tests.wire.bad.cameras import PICTURES
from tests.wire.bad.documents import DOCUMENTS, NUMBERS
from tests.wire.bad.inputs import Bad
from tests.wire.bad.likeness import NAMES, PLATES
from tests.wire.bad.lines import HEADERS, LINES
from tests.wire.bad.words import MARKUP, PATHS, SQL_WORDS

TABLE: dict[str, tuple[Bad, ...]] = {
    "SQL": SQL_WORDS,
    "Scripts and markup": MARKUP,
    "Paths": PATHS,
    "Headers": HEADERS,
    "Lines of HTTP": LINES,
    "Bodies": BODIES,
    "Documents (YAML)": DOCUMENTS,
    "Numbers, instants and zones": NUMBERS,
    "Plates that look alike": PLATES,
    "Logins and codes that look alike": NAMES,
    "Pictures": PICTURES,
}
