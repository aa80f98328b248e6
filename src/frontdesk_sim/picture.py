"""A picture to send: a dented parcel, drawn here so that no image file has to travel with the package."""

from __future__ import annotations

import struct
import zlib
from functools import cache

WIDTH, HEIGHT = 480, 360
TABLE, SHADE, BOX, LID, TAPE, DENT = (
    (222, 226, 230),
    (190, 195, 200),
    (193, 145, 96),
    (209, 165, 118),
    (236, 214, 178),
    (122, 84, 50),
)


def _pixel(x: int, y: int) -> tuple[int, int, int]:
    if 90 <= x < 390 and 130 <= y < 300:
        if abs((x - 300) - (y - 160) // 2) < 3 or abs((x - 330) + (y - 200)) < 2 or abs((x - 285) + (y - 190) // 3) < 2:
            return DENT
        if 222 <= x < 258:
            return TAPE
        return LID if y < 175 else BOX
    if 100 <= x < 410 and 300 <= y < 316:
        return SHADE
    return TABLE


def png(width: int, height: int, rows: list[bytes]) -> bytes:
    """Eight-bit RGB without interlacing (RFC 2083)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@cache
def parcel() -> bytes:
    return png(WIDTH, HEIGHT, [b"".join(bytes(_pixel(x, y)) for x in range(WIDTH)) for y in range(HEIGHT)])
