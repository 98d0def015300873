"""What the tests of profiles-import share: normalized files as the transformer
makes them for Customer Profiles, and the manifest over them."""

import base64
import hashlib
import os
import urllib.request

from harness import KEY, SECRET, TOPIC

DOMAIN = "crm"
HEADERS = (("AccountNumber", "_profile.AccountNumber", "STRING"),
           ("EmailAddress", "_profile.EmailAddress", "EMAIL_ADDRESS"),
           ("Address_City", "_profile.Address.City", "STRING"),
           ("Attributes_Plan", "_profile.Attributes.Plan", "STRING"))
TAG = ("segment_gold", "_profile.Attributes.segment_gold", "STRING")
TABLE = []


def client(url):
    import boto3  # only the tests that look into the domain need it
    return boto3.client(
        "customer-profiles", endpoint_url=url, region_name="us-east-1",
        aws_access_key_id=KEY, aws_secret_access_key=SECRET)


def put(url, token, data):
    """A file to the URL of an upload job; the status."""
    prefix = "x-amz-server-side-encryption-customer-"
    md5 = hashlib.md5(base64.b64decode(token)).digest()
    request = urllib.request.Request(url, data=data, method="PUT", headers={
        prefix + "algorithm": "AES256", prefix + "key": token,
        prefix + "key-MD5": base64.b64encode(md5).decode()})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.status


def crc64nvme(data):
    if not TABLE:
        for n in range(256):
            for _ in range(8):
                n = n >> 1 ^ (0x9A6C9329AC4BC9B5 if n & 1 else 0)
            TABLE.append(n)
    crc = (1 << 64) - 1
    for byte in data:
        crc = TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return base64.b64encode((crc ^ (1 << 64) - 1).to_bytes(8, "big")).decode()


def csv(rows, headers=HEADERS):
    """Rows of texts, with the header before them."""
    lines = [",".join(name for name, _, _ in headers)]
    lines += [",".join(row) for row in rows]
    return "".join(line + "\n" for line in lines).encode()


def people(count, start=0, more=()):
    return [("u%d" % n, "u%d@example.com" % n, "Bern", "gold", *more)
            for n in range(start, start + count)]


def entry(uri, data, rows, **changes):
    return {"uri": uri, "role": "normalized", "format": "csv",
            "compression": "none", "bytes": len(data), "rows": rows,
            "crc64nvme": crc64nvme(data), "etag": None, **changes}


def manifest(entries, headers=HEADERS, import_=None, **sections):
    rows = sum(e["rows"] or 0 for e in entries)
    return {
        "lakeseg": 1, "run": {"id": "01JTEST%d" % id(entries), "name": "test"},
        "status": "pending", "data": entries,
        "validate": {"target": "customer-profiles", "result": {
            "rows_in": rows, "rows_out": rows, "rows_rejected": 0,
            "rows_dropped": 0, "rows_merged": 0, "rows_unchanged": 0,
            "by_rule": {}, "columns": [], "key": headers[0][0],
            "profile_fields": [
                {"header": h, "source": "_source." + h, "target": t,
                 "content_type": c, "filled": rows} for h, t, c in headers]}},
        "import": {"destination": "customer-profiles", "domain": DOMAIN,
                   "expiry_days": 60, "max_unknown_keys_percent": 100,
                   **(import_ or {})},
        "notify": {"topic_arn": TOPIC}, **sections}


def write(folder, name, data):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(data)
    return path
