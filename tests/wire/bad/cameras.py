"""What a camera should never push."""

import base64

from tests.wire.bad.bench import JPEG, Sent, push
from tests.wire.bad.inputs import JSON, Bad

PICTURES = (
    Bad(
        "a picture that is HTML",
        "camera",
        Sent("POST", "<camera>", push(plateid=21, imageFile="PGh0bWw+", imageFileLen=6), JSON, token=False),
        200,
        then="the car is let in, the picture is not kept",
        changes=True,
    ),
    Bad(
        "no Base64",
        "camera",
        Sent("POST", "<camera>", push(plateid=22, license="粤B22222", imageFile="!!!"), JSON, token=False),
        200,
        then="the car is let in, the picture is not kept",
        changes=True,
    ),
    Bad(
        "another length than declared",
        "camera",
        Sent("POST", "<camera>", push(plateid=23, license="粤B33333", imageFileLen=5), JSON, token=False),
        200,
        then="the car is let in, the picture is not kept",
        changes=True,
    ),
    Bad(
        "JPEG and script in one",
        "camera",
        Sent(
            "POST",
            "<camera>",
            push(
                plateid=24,
                license="粤B44444",
                imageFile=base64.b64encode(JPEG + b"<script>alert(1)</script>").decode(),
                imageFileLen=len(JPEG) + 25,
            ),
            JSON,
            token=False,
        ),
        200,
        then="kept as bytes; leaves as `image/jpeg`, `nosniff`, never decoded here",
        changes=True,
    ),
    Bad("6.5 MB", "camera", Sent("POST", "<camera>", b"x" * 6_500_000, JSON, token=False), 413),
    Bad(
        "a plate of 100 characters",
        "camera",
        Sent("POST", "<camera>", push(plateid=25, license="粤B" + "1" * 100), JSON, token=False),
        200,
        then="as if nothing had been read",
        changes=True,
    ),
    Bad("the record number `10^30`", "camera", Sent("POST", "<camera>", push(plateid=10**30), JSON, token=False), 422),
    Bad(
        "a clock of the year 5000",
        "camera",
        Sent(
            "POST",
            "<camera>",
            push(plateid=26, license="粤B55555", timeStamp={"Timeval": {"sec": 95_617_584_000, "usec": 0}}),
            JSON,
            token=False,
        ),
        200,
        then="our own clock counts",
        changes=True,
    ),
    Bad(
        "the serial number of another camera",
        "camera",
        Sent("POST", "<camera>", push().replace(b"8a3f-mall-in-2", b"another-camera"), JSON, token=False),
        403,
    ),
)
