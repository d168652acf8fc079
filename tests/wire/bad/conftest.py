from tests.wire.api.conftest import mall_file, sqlite_files

__all__ = ["mall_file", "sqlite_files"]
