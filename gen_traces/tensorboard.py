"""TensorBoard event files, written without TensorBoard.

An event file is a sequence of records: length (uint64), masked CRC-32C of the length, payload, masked CRC-32C of the
payload, all little-endian. A payload is a protobuf `Event`: wall_time (1, double), step (2, int64), and either
file_version (3, string) or summary (5), which repeats Value (1): tag (1, string), simple_value (2, float).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

VERSION = "brain.Event:2"
_DOUBLE, _VARINT, _BYTES, _FLOAT = 1, 0, 2, 5


def _crc_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_TABLE = _crc_table()


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def masked(data: bytes) -> int:
    """The checksum as record files store it: rotated by 15 bits and shifted, so that it is no checksum of itself."""
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def record(payload: bytes) -> bytes:
    length = struct.pack("<Q", len(payload))
    return length + struct.pack("<I", masked(length)) + payload + struct.pack("<I", masked(payload))


def version_event(wall_time: float) -> bytes:
    """The event that has to open a file."""
    return _double(1, wall_time) + _text(3, VERSION)


def scalar_event(wall_time: float, step: int, values: Mapping[str, float]) -> bytes:
    """One step's scalars; NaN and infinities are kept."""
    summary = b"".join(_message(1, _text(1, tag) + _float(2, value)) for tag, value in values.items())
    return _double(1, wall_time) + _key(2, _VARINT) + _varint(step) + _message(5, summary)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _key(field: int, kind: int) -> bytes:
    return _varint(field << 3 | kind)


def _double(field: int, value: float) -> bytes:
    return _key(field, _DOUBLE) + struct.pack("<d", value)


def _float(field: int, value: float) -> bytes:
    return _key(field, _FLOAT) + struct.pack("<f", value)


def _message(field: int, data: bytes) -> bytes:
    return _key(field, _BYTES) + _varint(len(data)) + data


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode())
