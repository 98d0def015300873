"""boto3 as a real client of lakeseg-local's Customer Profiles, for every
operation it serves; every answer is held beside botocore's model.

Takes the program's path: test_profiles.py PATH/lakeseg-local [test ...]
"""

import base64
import hashlib
import http.client
import json
import os
import shutil
import sys
import tempfile
import time
import unittest
from urllib.parse import urlsplit

from botocore.exceptions import ClientError
from common import Case, Server

sys.path.insert(0, os.path.join(os.environ["LAKESEG_SOURCE"], "tests",
                                "python"))
import models  # noqa: E402
from recorder import Recorder  # noqa: E402

DAY = 86400
FIELDS = {
    "UserId": {"Source": "_source.UserId", "Target": "_profile.AccountNumber"},
    "Email": {"Source": "_source.Email", "Target": "_profile.EmailAddress",
              "ContentType": "EMAIL_ADDRESS"},
    "City": {"Source": "_source.City", "Target": "_profile.Address.City"},
    "Plan": {"Source": "_source.Plan", "Target": "_profile.Attributes.Plan"}}
FILE = (b"UserId,Email,City,Plan\n"
        b"u1,one@example.com,Bern,gold\n"
        b"u2,two@example.com,\"Genf, CH\",silver\n"
        b"u3,,,\n")
REASON = "VALIDATION_FAILURE"


def key_headers(token, **changes):
    raw = base64.b64decode(token)
    prefix = "x-amz-server-side-encryption-customer-"
    headers = {prefix + "algorithm": "AES256", prefix + "key": token,
               prefix + "key-MD5": base64.b64encode(
                   hashlib.md5(raw).digest()).decode()}
    for name, value in changes.items():
        name = prefix + name.replace("_", "-")
        headers.pop(name, None)
        if value is not None:
            headers[name] = value
    return headers


def put(url, headers, data):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    connection.request("PUT", parts.path + "?" + parts.query, body=data,
                       headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


class Profiles(Case):
    options = ("--domain", "store")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.recorder = Recorder(cls.server.url)
        direct, cls.server.url = cls.server.url, cls.recorder.url
        cls.api = cls.server.client("customer-profiles")
        cls.server.url = direct

    @classmethod
    def tearDownClass(cls):
        cls.recorder.stop()
        super().tearDownClass()
        faults = [fault for exchange in cls.recorder.kept
                  if exchange.path.startswith("/domains")
                  for fault in models.answer_faults(exchange)]
        assert not faults, "\n".join(faults[:20])

    def setUp(self):
        self.server.admin("faults", method="DELETE")
        self.domain = "d%d" % time.monotonic_ns()
        self.api.create_domain(DomainName=self.domain,
                               DefaultExpirationDays=30)

    def call(self, name, **arguments):
        return getattr(self.api, name)(DomainName=self.domain, **arguments)

    def refused(self, status, code, call, **arguments):
        if isinstance(call, str):
            arguments["DomainName"] = arguments.get("DomainName", self.domain)
            call = getattr(self.api, call)
        return super().refused(status, code, call, **arguments)

    def create(self, **changes):
        arguments = {"DisplayName": "run-p0000", "Fields": FIELDS,
                     "UniqueKey": "UserId", "DataExpiry": 10, **changes}
        return self.call("create_upload_job", **{
            k: v for k, v in arguments.items() if v is not None})["JobId"]

    def send(self, job, data, **changes):
        path = self.call("get_upload_job_path", JobId=job)
        return put(path["Url"], key_headers(path["ClientToken"], **changes),
                   data)

    def wait(self, job):
        deadline = time.monotonic() + 30
        while True:
            state = self.call("get_upload_job", JobId=job)
            if state["Status"] not in ("CREATED", "IN_PROGRESS"):
                return state
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def run_job(self, data, **changes):
        job = self.create(**changes)
        self.assertEqual(self.send(job, data), (200, ""))
        self.call("start_upload_job", JobId=job)
        return self.wait(job)

    def counts(self, state):
        summary = state["ResultsSummary"]
        return (summary["CreatedRecords"], summary["UpdatedRecords"],
                summary["FailedRecords"])

    def search(self, key, *values, **more):
        return self.call("search_profiles", KeyName=key, Values=list(values),
                         **more)["Items"]

    def test_domains(self):
        made = self.call("get_domain")
        self.assertEqual(made["DefaultExpirationDays"], 30)
        self.assertEqual(made["Stats"]["ProfileCount"], 0)
        self.assertEqual(
            self.call("update_domain", DefaultExpirationDays=40)
            ["DefaultExpirationDays"], 40)
        names = [d["DomainName"] for page in
                 self.pages("list_domains") for d in page["Items"]]
        self.assertIn(self.domain, names)
        self.assertIn("store", names)
        self.refused(400, "BadRequestException", "create_domain",
                     DefaultExpirationDays=1)
        self.refused(400, "BadRequestException", "create_domain",
                     DomainName="other", DefaultExpirationDays=1099)
        self.call("delete_domain")
        self.refused(404, "ResourceNotFoundException", "get_domain")

    def pages(self, name, **arguments):
        token = {}
        while True:
            page = getattr(self.api, name)(MaxResults=2, **arguments, **token)
            yield page
            if "NextToken" not in page:
                return
            token = {"NextToken": page["NextToken"]}

    def test_an_upload(self):
        job = self.create()
        self.assertRegex(job, "^[a-f0-9]{32}$")
        state = self.call("get_upload_job", JobId=job)
        self.assertEqual((state["Status"], state["DataExpiry"],
                          state["UniqueKey"], state["Fields"]),
                         ("CREATED", 10, "UserId", FIELDS))
        self.assertEqual(self.send(job, FILE)[0], 200)
        self.call("start_upload_job", JobId=job)
        state = self.wait(job)
        self.assertEqual(state["Status"], "SUCCEEDED")
        self.assertEqual(self.counts(state), (3, 0, 0))
        found = self.search("_account", "u2")
        self.assertEqual(len(found), 1)
        self.assertEqual(found[0]["Address"], {"City": "Genf, CH"})
        self.assertEqual(found[0]["Attributes"], {"Plan": "silver"})
        self.assertEqual(self.search("_email", "ONE@example.com")[0]
                         ["AccountNumber"], "u1")
        self.refused(400, "BadRequestException", "start_upload_job", JobId=job)
        again = self.run_job(b"UserId,Email,City,Plan\nu1,,Rom,\nu4,,,gold\n")
        self.assertEqual(self.counts(again), (1, 1, 0))
        one = self.search("_account", "u1")[0]
        self.assertEqual((one["Address"]["City"], one["EmailAddress"],
                          one["Attributes"]),
                         ("Rom", "one@example.com", {"Plan": "gold"}))

    def test_what_a_job_must_be(self):
        many = {"f%d" % i: {"Source": "_source.f%d" % i,
                            "Target": "_profile.Attributes.f%d" % i}
                for i in range(26)}
        for changes in ({"Fields": many}, {"DataExpiry": 1099},
                        {"DataExpiry": 0}, {"DisplayName": "x" * 256},
                        {"Fields": {"a": {"Source": "_source.a",
                                          "Target": "_profile.Shoe"}}},
                        {"Fields": {"a": {"Source": "a",
                                          "Target": "_profile.FirstName"}}},
                        {"Fields": {"a b": FIELDS["City"]}}):
            with self.subTest(changes=changes):
                with self.assertRaises(ClientError) as caught:
                    self.unchecked().create_upload_job(
                        DomainName=self.domain,
                        **{"DisplayName": "n", "Fields": FIELDS,
                           "UniqueKey": "UserId", **changes})
                self.assertEqual(caught.exception.response["Error"]["Code"],
                                 "BadRequestException")
        job = self.create(UniqueKey="Nobody")
        self.send(job, FILE)
        self.refused(400, "BadRequestException", "start_upload_job", JobId=job)
        state = self.call("get_upload_job", JobId=self.create(DataExpiry=None))
        self.assertEqual(state["DataExpiry"], 14)

    def unchecked(self):
        return self.server.client("customer-profiles",
                                  parameter_validation=False)

    def test_the_put(self):
        job = self.create()
        other = base64.b64encode(b"x" * 32).decode()
        md5 = base64.b64encode(hashlib.md5(b"x" * 32).digest()).decode()
        for changes, status, word in (
                ({"key": None}, 400, "InvalidArgument"),
                ({"key_MD5": None}, 400, "InvalidArgument"),
                ({"algorithm": None}, 400, "InvalidArgument"),
                ({"algorithm": "aws:kms"}, 400, "InvalidArgument"),
                ({"key_MD5": md5}, 400, "MD5 hash of the key"),
                ({"key": "short"}, 400, "secret key"),
                ({"key": other, "key_MD5": md5}, 403, "AccessDenied")):
            with self.subTest(changes=changes):
                got, text = self.send(job, FILE, **changes)
                self.assertEqual(got, status, text)
                self.assertIn(word, text)
        path = self.call("get_upload_job_path", JobId=job)
        good = key_headers(path["ClientToken"])
        for url in (path["Url"][:-1] + ("0" if path["Url"][-1] != "0"
                                        else "1"),
                    path["Url"].replace("X-Amz-Expires=900",
                                        "X-Amz-Expires=9000")):
            self.assertEqual(put(url, good, FILE)[0], 403)
        self.call("start_upload_job", JobId=job)
        state = self.wait(job)  # nothing that came was good
        self.assertEqual((state["Status"], state["StatusReason"]),
                         ("FAILED", REASON))

    def test_a_put_that_is_cut_off_stores_nothing(self):
        job = self.create()
        path = self.call("get_upload_job_path", JobId=job)
        parts = urlsplit(path["Url"])
        connection = http.client.HTTPConnection(parts.netloc, timeout=30)
        connection.putrequest("PUT", parts.path + "?" + parts.query)
        for name, value in key_headers(path["ClientToken"]).items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", "1000")
        connection.endheaders(FILE)
        connection.close()
        self.call("start_upload_job", JobId=job)
        self.assertEqual(self.wait(job)["Status"], "FAILED")

    def test_a_url_expires(self):
        job = self.create()
        path = self.call("get_upload_job_path", JobId=job)
        self.server.admin("clock", {"advance_s": 901})
        status, text = put(path["Url"], key_headers(path["ClientToken"]), FILE)
        self.assertEqual(status, 403)
        self.assertIn("Request has expired", text)
        self.assertEqual(self.send(job, FILE)[0], 200)
        self.server.admin("faults", {"rule":
                                     "profiles.UploadUrl=outcome:EXPIRED"})
        self.assertEqual(self.send(job, FILE)[0], 403)
        self.assertEqual(self.send(job, FILE)[0], 200)

    def test_files_that_are_refused(self):
        for data in (b"\xef\xbb\xbf" + FILE, FILE.replace(b"City", b"A.City"),
                     FILE.replace(b"Plan", b"Tarif"), b"", b"UserId\nu1\n",
                     FILE + b'"x', FILE + b'u9,a"b,c,d\n'):
            with self.subTest(data=data[:40]):
                state = self.run_job(data)
                self.assertEqual((state["Status"], state["StatusReason"]),
                                 ("FAILED", REASON))

    def test_rows_that_are_refused(self):
        state = self.run_job(
            b"UserId,Email,City,Plan\n"
            b"g1,,,\n"               # good
            b",a@example.com,,\n"    # no key
            b"b1," + b"x" * 256 + b",,\n"
            b"b2,a\n"                # too few
            b"b3,a,b,c,d\n"          # too many
            b"g2," + b"y" * 255 + b",,\n"
            b"b4,\xff,,\n")
        self.assertEqual(state["Status"], "PARTIALLY_SUCCEEDED")
        self.assertEqual(self.counts(state), (2, 0, 5))

    def test_every_status_on_demand(self):
        for status in ("FAILED", "PARTIALLY_SUCCEEDED", "STOPPED",
                       "SUCCEEDED"):
            self.server.admin("faults", {
                "rule": "profiles.UploadJob=outcome:" + status})
            self.assertEqual(self.run_job(FILE)["Status"], status)

    def test_a_job_is_stopped(self):
        slow = Server("--domain", "d", "--job-delay-ms", "60000")
        try:
            api = slow.client("customer-profiles")
            job = api.create_upload_job(
                DomainName="d", DisplayName="n", Fields=FIELDS,
                UniqueKey="UserId")["JobId"]
            api.start_upload_job(DomainName="d", JobId=job)
            self.assertEqual(
                api.get_upload_job(DomainName="d", JobId=job)["Status"],
                "IN_PROGRESS")
            api.stop_upload_job(DomainName="d", JobId=job)
            self.assertEqual(
                api.get_upload_job(DomainName="d", JobId=job)["Status"],
                "STOPPED")
            self.refused(400, "BadRequestException", api.stop_upload_job,
                         DomainName="d", JobId=job)
        finally:
            self.assertEqual(slow.stop(), 0)

    def test_jobs_are_listed_in_pages(self):
        ids = [self.create(DisplayName="n%d" % i) for i in range(5)]
        pages = list(self.pages("list_upload_jobs", DomainName=self.domain))
        self.assertEqual(len(pages), 3)
        listed = [item["JobId"] for page in pages for item in page["Items"]]
        self.assertEqual(listed, ids[::-1])
        self.refused(400, "BadRequestException", "list_upload_jobs",
                     NextToken="nonsense")
        self.refused(404, "ResourceNotFoundException", "get_upload_job",
                     JobId="0" * 32)
        for name in ("start_upload_job", "stop_upload_job",
                     "get_upload_job_path"):
            self.refused(404, "ResourceNotFoundException", name,
                         JobId="0" * 32)

    def test_other_unique_keys(self):
        for unique, target in (("Email", "_email"),
                               ("_source.Email", "_email"),
                               ("_profile.EmailAddress", "_email")):
            self.run_job(FILE.replace(b"u3,", b"u3,3@example.com")
                         .replace(b".com,,,", b".com,,"), UniqueKey=unique)
            self.assertEqual(len(self.search(target, "one@example.com")), 1)
        self.run_job(FILE, UniqueKey="Plan")
        state = self.run_job(FILE, UniqueKey="Plan")
        self.assertEqual(self.counts(state), (0, 2, 1))

    def test_profiles_one_by_one(self):
        one = self.call("create_profile", FirstName="Ada", LastName="Byron",
                        PhoneNumber="+41 44 123 45 67", PartyType="INDIVIDUAL",
                        Attributes={"a": "1", "b": "2"},
                        BillingAddress={"City": "Bern"})["ProfileId"]
        self.assertEqual(self.search("_phone", "0041441234567"), [])
        for key, value in (("_phone", "+41441234567"), ("_profileId", one),
                           ("_fullName", "ada byron")):
            self.assertEqual([p["ProfileId"] for p in self.search(key, value)],
                             [one])
        self.call("update_profile", ProfileId=one, FirstName="",
                  Attributes={"a": "", "c": "3"}, PhoneNumber="123")
        self.assertEqual(self.search("_phone", "+41441234567"), [])
        now = self.search("_phone", "123")[0]
        self.assertNotIn("FirstName", now)
        self.assertEqual(now["Attributes"], {"b": "2", "c": "3"})
        self.call("add_profile_key", ProfileId=one, KeyName="own",
                  Values=["v1", "v2"])
        self.assertEqual(len(self.search("own", "v2")), 1)
        for bad in ({"FirstName": "x" * 256}, {"PartyType": "ROBOT"},
                    {"Attributes": {"a": ""}}):
            with self.assertRaises(ClientError):
                self.unchecked().create_profile(DomainName=self.domain, **bad)
        got = self.call("batch_get_profile", ProfileIds=[one, "0" * 32])
        self.assertEqual([p["ProfileId"] for p in got["Profiles"]], [one])
        self.assertEqual([e["ProfileId"] for e in got["Errors"]], ["0" * 32])
        self.call("delete_profile", ProfileId=one)
        self.assertEqual(self.search("_profileId", one), [])
        self.refused(404, "ResourceNotFoundException", "delete_profile",
                     ProfileId=one)
        self.refused(404, "ResourceNotFoundException", "update_profile",
                     ProfileId=one)

    def test_searches(self):
        for i in range(5):
            self.call("create_profile", AccountNumber="a%d" % i,
                      EmailAddress="same@example.com")
        pages = list(self.pages("search_profiles", DomainName=self.domain,
                                KeyName="_email",
                                Values=["SAME@example.com"]))
        self.assertEqual([len(p["Items"]) for p in pages], [2, 2, 1])
        more = [{"KeyName": "_account", "Values": ["a1", "a2"]}]
        found = self.search("_email", "same@example.com",
                            AdditionalSearchKeys=more, LogicalOperator="AND")
        self.assertEqual(sorted(p["AccountNumber"] for p in found),
                         ["a1", "a2"])
        self.assertEqual(len(found[0]["FoundByItems"]), 2)
        found = self.search("_account", "nobody", AdditionalSearchKeys=more)
        self.assertEqual(len(found), 2)
        with self.assertRaises(ClientError):
            self.unchecked().search_profiles(
                DomainName=self.domain, KeyName="_email", Values=[])

    def type_of(self, **changes):
        return self.call("put_profile_object_type", **{
            "ObjectTypeName": "lakeseg", "Description": "d", "Fields": FIELDS,
            "AllowProfileCreation": True, "Keys": {"_account": [
                {"StandardIdentifiers": ["UNIQUE", "PROFILE"],
                 "FieldNames": ["UserId"]}]}, **changes})

    def put_objects(self, *objects):
        return self.call("batch_put_profile_object", ObjectTypeName="lakeseg",
                         Items=[{"Id": "i%d" % i,
                                 "Object": o if isinstance(o, str)
                                 else json.dumps(o)}
                                for i, o in enumerate(objects)])

    def test_objects(self):
        self.refused(404, "ResourceNotFoundException",
                     "get_profile_object_type", ObjectTypeName="lakeseg")
        for days in (1099, 1 << 62):
            self.refused(400, "BadRequestException", "put_profile_object_type",
                         ObjectTypeName="lakeseg", Description="d",
                         ExpirationDays=days)
        self.type_of(ExpirationDays=1098)
        self.assertTrue(self.call("get_profile_object_type",
                                  ObjectTypeName="lakeseg")
                        ["AllowProfileCreation"])
        self.assertEqual(len(self.call("list_profile_object_types")["Items"]),
                         1)
        done = self.put_objects({"UserId": "u1", "Plan": "gold"}, "nonsense",
                                {"Plan": "x"}, {"UserId": "u2",
                                                "City": "x" * 256}, [])
        self.assertEqual(done["Successful"], [
            {"Id": "i0", "ProfileObjectUniqueKey": "u1"}])
        self.assertEqual([(f["Id"], f["Code"]) for f in done["Failed"]],
                         [("i1", 400), ("i2", 400), ("i3", 400), ("i4", 400)])
        one = self.call("put_profile_object", ObjectTypeName="lakeseg",
                        Object=json.dumps({"UserId": "u1", "City": "Bern"}))
        self.assertEqual(one["ProfileObjectUniqueKey"], "u1")
        profile = self.search("_account", "u1")[0]
        self.assertEqual((profile["Attributes"], profile["Address"]),
                         ({"Plan": "gold"}, {"City": "Bern"}))
        listed = self.call("list_profile_objects", ObjectTypeName="lakeseg",
                           ProfileId=profile["ProfileId"])["Items"]
        self.assertEqual(json.loads(listed[0]["Object"])["City"], "Bern")
        self.refused(400, "BadRequestException", "put_profile_object",
                     ObjectTypeName="lakeseg", Object="{}")
        self.type_of(AllowProfileCreation=False)
        self.assertEqual(len(self.put_objects({"UserId": "u9"})["Successful"]),
                         1)
        self.assertEqual(self.search("_account", "u9"), [])
        self.server.admin("faults", {
            "rule": "profiles.ProfileObject=error:429:Slow"})
        self.assertEqual(self.put_objects({"UserId": "u1"})["Failed"], [
            {"Id": "i0", "Code": 429, "Message": "Slow"}])
        self.call("delete_profile_object_type", ObjectTypeName="lakeseg")
        self.refused(404, "ResourceNotFoundException",
                     "batch_put_profile_object", ObjectTypeName="lakeseg",
                     Items=[{"Id": "a", "Object": "{}"}])

    def groups(self, how="INCLUSIVE", values=("gold",), name="Plan", **more):
        return {"Groups": [{"Dimensions": [{"ProfileAttributes": {
            "Attributes": {name: {"DimensionType": how,
                                  "Values": list(values)}}}}], "Type": "ALL",
                            **more}], "Include": "ALL"}

    def estimate(self, groups):
        made = self.call("create_segment_estimate", SegmentQuery=groups)
        got = self.call("get_segment_estimate", EstimateId=made["EstimateId"])
        self.assertEqual(got["Status"], "SUCCEEDED")
        return int(got["Estimate"])

    def test_segments(self):
        self.run_job(FILE)
        made = self.call("create_segment_definition", DisplayName="Gold",
                         SegmentDefinitionName="gold",
                         SegmentGroups=self.groups())
        self.assertTrue(made["SegmentDefinitionArn"].endswith("/gold"))
        got = self.call("get_segment_definition", SegmentDefinitionName="gold")
        self.assertEqual(got["SegmentGroups"], self.groups())
        self.refused(400, "BadRequestException", "create_segment_definition",
                     DisplayName="x", SegmentDefinitionName="gold",
                     SegmentGroups=self.groups())
        listed = self.call("list_segment_definitions")["Items"]
        self.assertEqual([s["SegmentDefinitionName"] for s in listed],
                         ["gold"])
        ids = {p["AccountNumber"]: p["ProfileId"] for n in ("u1", "u2")
               for p in self.search("_account", n)}
        self.assertEqual(
            {m["ProfileId"]: m["QueryResult"] for m in self.call(
                "get_segment_membership", SegmentDefinitionName="gold",
                ProfileIds=list(ids.values()))["Profiles"]},
            {ids["u1"]: "PRESENT", ids["u2"]: "ABSENT"})
        failures = self.call("get_segment_membership",
                             SegmentDefinitionName="gold",
                             ProfileIds=["0" * 32])["Failures"]
        self.assertEqual(failures[0]["ProfileId"], "0" * 32)
        for groups, size in (
                (self.groups(), 1), (self.groups("EXCLUSIVE"), 2),
                (self.groups("CONTAINS", ["l"]), 2),
                (self.groups("BEGINS_WITH", ["g", "x"]), 1),
                (self.groups("ENDS_WITH", ["er"]), 1),
                (self.groups("GREATER_THAN", ["gold"]), 1),
                (self.groups("BETWEEN", ["a", "h"]), 1),
                (self.groups("EXCLUSIVE", SourceSegments=[
                    {"SegmentDefinitionName": "gold"}], SourceType="NONE"), 2),
                ({"Groups": [self.groups()["Groups"][0],
                             self.groups(values=["silver"])["Groups"][0]],
                  "Include": "ANY"}, 2),
                ({"Groups": [{"Dimensions": [{"ProfileAttributes": {
                    "Address": {"City": {"DimensionType": "INCLUSIVE",
                                         "Values": ["Bern"]}}}}]}]}, 1)):
            with self.subTest(groups=groups):
                self.assertEqual(self.estimate(groups), size)
        self.refused(400, "BadRequestException", "create_segment_estimate",
                     SegmentQuery=self.groups(SourceSegments=[
                         {"SegmentDefinitionName": "none"}]))
        snapshot = self.call("create_segment_snapshot", DataFormat="JSONL",
                             SegmentDefinitionName="gold",
                             DestinationUri="s3://results/snap")["SnapshotId"]
        state = self.call("get_segment_snapshot", SnapshotId=snapshot,
                          SegmentDefinitionName="gold")
        self.assertEqual(state["Status"], "COMPLETED")
        text = self.s3.get_object(
            Bucket="results", Key="snap/%s.jsonl" % snapshot)["Body"].read()
        self.assertEqual(json.loads(text)["AccountNumber"], "u1")
        self.call("delete_segment_definition", SegmentDefinitionName="gold")
        self.refused(404, "ResourceNotFoundException",
                     "get_segment_definition", SegmentDefinitionName="gold")

    def test_profiles_expire(self):
        self.run_job(FILE)                      # 10 days
        self.run_job(FILE.split(b"u2")[0], DataExpiry=20)
        self.run_job(FILE, DataExpiry=5)        # shortens nothing
        self.call("create_profile", AccountNumber="made")  # 30 days
        self.server.admin("clock", {"advance_s": 9 * DAY})
        self.assertEqual(self.call("get_domain")["Stats"]["ProfileCount"], 4)
        self.server.admin("clock", {"advance_s": 2 * DAY})
        self.assertEqual(self.call("get_domain")["Stats"]["ProfileCount"], 2)
        self.assertEqual(self.search("_account", "u2"), [])
        self.server.admin("clock", {"advance_s": 10 * DAY})
        self.assertEqual(len(self.search("_account", "made")), 1)
        self.assertEqual(self.search("_email", "one@example.com"), [])
        self.server.admin("clock", {"advance_s": 10 * DAY})
        self.assertEqual(self.call("get_domain")["Stats"]["ProfileCount"], 0)

    def test_the_state_survives(self):
        state = tempfile.mkdtemp(prefix="lakeseg-profiles-")
        self.addCleanup(shutil.rmtree, state)
        first = Server("--domain", "d", state=state)
        api = first.client("customer-profiles")
        api.create_profile(DomainName="d", AccountNumber="a1")
        job = api.create_upload_job(DomainName="d", DisplayName="n",
                                    Fields=FIELDS, UniqueKey="UserId")["JobId"]
        path = api.get_upload_job_path(DomainName="d", JobId=job)
        self.assertEqual(put(path["Url"], key_headers(path["ClientToken"]),
                             FILE)[0], 200)
        self.assertEqual(first.stop(), 0)
        second = Server(state=state)
        api = second.client("customer-profiles")
        self.assertEqual(len(api.search_profiles(
            DomainName="d", KeyName="_account", Values=["a1"])["Items"]), 1)
        api.start_upload_job(DomainName="d", JobId=job)
        deadline = time.monotonic() + 30
        while api.get_upload_job(DomainName="d", JobId=job)["Status"] != \
                "SUCCEEDED":
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        self.assertEqual(second.stop(), 0)


if __name__ == "__main__":
    unittest.main()
