"""Reads FIT files with Garmin's own decoder and prints one JSON object per file, in order.

Usage: python fit_check.py FILE...
"""

import json
import sys

from garmin_fit_sdk import Decoder, Stream


def check(path):
    stream = Stream.from_file(path)
    decoder = Decoder(stream)
    is_fit = decoder.is_fit()
    intact = decoder.check_integrity()
    # The check leaves the stream at its end, where a read finds nothing and calls that success.
    stream.reset()
    messages, errors = decoder.read()
    records = messages.get("record_mesgs", [])
    return {
        "file": path,
        "is_fit": is_fit,
        "integrity": intact,
        "errors": [str(error) for error in errors],
        "counts": {name.removesuffix("_mesgs"): len(found) for name, found in sorted(messages.items())},
        "file_id": messages.get("file_id_mesgs", [{}])[0],
        "devices": messages.get("device_info_mesgs", []),
        "timer": [event.get("event_type") for event in messages.get("event_mesgs", [])],
        "first_record": records[0] if records else None,
        "last_record": records[-1] if records else None,
        "laps": messages.get("lap_mesgs", []),
        "session": messages.get("session_mesgs", [{}])[0],
        "activity": messages.get("activity_mesgs", [{}])[0],
    }


for name in sys.argv[1:]:
    print(json.dumps(check(name), default=str, sort_keys=True))
