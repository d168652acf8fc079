"""What a login may be."""

import pytest

from openberth.contexts.tenancy.model.accounts import check_login
from openberth.kernel.errors import Malformed


@pytest.mark.parametrize("login", ["01a214ed-7fe0-7000-a2da-d9451238b091", "01A214ED7FE07000A2DAD9451238B091"])
def test_no_login_reads_as_the_id_of_an_account(login: str) -> None:
    with pytest.raises(Malformed, match=r"account\.login"):
        check_login(login)
    assert check_login(login[:-1]) == login[:-1].lower()
