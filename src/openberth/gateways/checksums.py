"""Checksums that several wires share. Pure."""


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
        table.append(crc)
    return tuple(table)


_CRC_TABLE = _crc_table()


def crc16_modbus(data: bytes | bytearray | memoryview) -> int:
    """Return CRC-16/Modbus (polynomial 8005h reflected, initial value FFFFh, no final inversion).

    Parameters and check value 4B37h: "Catalogue of parametrised CRC algorithms",
    reveng.sourceforge.io/crc-catalogue/16.htm.
    """
    crc = 0xFFFF
    table = _CRC_TABLE
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc
