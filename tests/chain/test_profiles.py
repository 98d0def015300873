"""profiles-import as a process beside lakeseg-local: both ways, segments, the
look-up of keys, what it refuses, and what it goes on with."""

import json
import subprocess
import time
import unittest

from harness import TOPIC, Case, Pipe, job, program
from profiles import DOMAIN, HEADERS, TAG, client, csv, entry, manifest, \
    people, write

PROGRAM = "profiles-import"


class ProfilesCase(Case):
    options = ("--domain", DOMAIN)
    number = 0

    def setUp(self):
        super().setUp()
        self.local.admin("faults", method="DELETE")
        ProfilesCase.number += 1
        self.run_id = "run%d" % ProfilesCase.number
        self.domain = "d%d" % ProfilesCase.number
        self.api().create_domain(DomainName=self.domain,
                                 DefaultExpirationDays=100)

    def api(self):
        return client(self.local.url)

    def file(self, data, name="part.csv"):
        return write(self.local.dir, self.run_id + name, data)

    def document(self, files, headers=HEADERS, **import_):
        """files: lists of rows."""
        entries = []
        for number, rows in enumerate(files):
            data = csv(rows, headers)
            entries.append(entry(self.file(data, "p%d.csv" % number), data,
                                 len(rows)))
        return self.over(entries, headers, **import_)

    def over(self, entries, headers=HEADERS, **import_):
        import_.setdefault("domain", self.domain)
        made = manifest(entries, headers, import_)
        made["run"]["id"] = self.run_id
        return made

    def run_import(self, document, *options, programs=None, **environment):
        return self.run_pipe(programs or [[PROGRAM, *options]], document,
                             **environment)

    def good(self, document, *options, **environment):
        result = self.run_import(document, *options, **environment)
        self.assertEqual(result.status, 0, result.stderr)
        self.assertEqual(result.manifest["status"], "succeeded")
        return result.manifest["import"]["result"]

    def bad(self, document, name, *words, options=(), **environment):
        result = self.run_import(document, *options, **environment)
        self.assertEqual(result.manifest["error"]["name"], name,
                         result.stderr)
        for word in words:
            self.assertIn(word, result.manifest["error"]["message"])
        return result

    def profiles(self):
        return self.local.admin("profiles/" + self.domain)

    def jobs(self):
        return self.local.admin("upload-jobs/" + self.domain)


class Uploads(ProfilesCase):
    def test_two_files(self):
        result = self.good(self.document([people(30), people(20, 30)]))
        self.assertEqual([(j["status"], j["created"], j["updated"],
                           j["failed"], j["processed"], j["rows"])
                          for j in result["jobs"]],
                         [("SUCCEEDED", 30, 0, 0, 30, 30),
                          ("SUCCEEDED", 20, 0, 0, 20, 20)])
        self.assertEqual([j["name"] for j in result["jobs"]],
                         [self.run_id + "-p0000", self.run_id + "-p0001"])
        self.assertEqual(len(self.profiles()), 50)
        job = self.jobs()[0]
        self.assertEqual((job["DataExpiry"], job["UniqueKey"]),
                         (60, "AccountNumber"))
        self.assertEqual(job["Fields"]["EmailAddress"], {
            "Source": "_source.EmailAddress",
            "Target": "_profile.EmailAddress",
            "ContentType": "EMAIL_ADDRESS"})
        one = [p for p in self.profiles() if p["AccountNumber"] == "u7"][0]
        self.assertEqual(one["Address"], {"City": "Bern"})

    def test_the_same_run_again_changes_nothing(self):
        document = self.document([people(10)])
        first = self.good(document)
        again = self.good(document)
        self.assertEqual(first["jobs"], again["jobs"])
        self.assertEqual(len(self.jobs()), 1)

    def test_a_job_that_waits_keeps_people_as_long_as_asked_for(self):
        document = self.document([people(3)])
        self.local.fault(rule="profiles.GetUploadJobPath=error:400:"
                              "BadRequestException")
        self.bad(document, "ServiceRefused", "where to upload to")
        document["import"]["expiry_days"] = 30
        self.bad(document, "ConfigInvalid", "60 days", "run.id")
        self.assertEqual(self.profiles(), [])
        document["import"]["expiry_days"] = 60
        self.good(document)
        self.assertEqual(len(self.jobs()), 1)

    def test_a_file_in_s3(self):
        rows = people(20000)
        data = csv(rows)
        self.local.s3().put_object(Bucket="results", Key=self.run_id + "/p.csv",
                                   Body=data)
        uri = "s3://results/%s/p.csv" % self.run_id
        result = self.good(self.over([entry(uri, data, len(rows))]))
        self.assertEqual(result["jobs"][0]["created"], 20000)

    def test_no_rows(self):
        document = self.document([[]])
        result = self.good(document)
        self.assertEqual(result["jobs"], [])
        self.assertEqual(self.jobs(), [])

    def test_other_unique_keys(self):
        for word, key in (("source", "_source.AccountNumber"),
                          ("target", "_profile.AccountNumber")):
            self.run_id += word
            self.good(self.document([people(3)], unique_key=word))
            self.assertEqual(self.jobs()[-1]["UniqueKey"], key)
        self.assertEqual(len(self.profiles()), 3)

    def test_the_job_comes_before_the_environment(self):
        environment = {"LAKESEG_EXPIRY_DAYS": "7",
                       "LAKESEG_IMPORT_TIMEOUT_S": "0"}
        self.good(self.document([people(3)], timeout_s=600), **environment)
        self.assertEqual(self.jobs()[0]["DataExpiry"], 60)
        self.run_id += "x"
        self.good(self.document([people(3)], timeout_s=600,
                                expiry_days=None), **environment)
        self.assertEqual(self.jobs()[1]["DataExpiry"], 7)
        self.run_id += "x"
        self.good(self.document([people(3)], timeout_s=600),
                  "--expiry-days=8", **environment)
        self.assertEqual(self.jobs()[2]["DataExpiry"], 8)

    def test_partial_is_no_success(self):
        rows = people(9) + [("u10", "x" * 256, "", "")]
        document = self.document([rows])
        result = self.bad(document, "ImportPartial", "1 of 10 rows failed")
        self.assertEqual(result.status, 69)
        job = result.manifest["import"]["result"]["jobs"][0]
        self.assertEqual((job["status"], job["created"], job["failed"]),
                         ("PARTIALLY_SUCCEEDED", 9, 1))
        document["import"]["max_failed_percent"] = 10
        self.good(document)
        self.assertEqual(len(self.jobs()), 1)

    def test_every_end(self):
        for status, name in (("FAILED", "ImportFailed"),
                             ("STOPPED", "ImportFailed"),
                             ("PARTIALLY_SUCCEEDED", "ImportPartial")):
            self.run_id += "x"
            self.local.fault(rule="profiles.UploadJob=outcome:" + status)
            result = self.bad(self.document([people(3)]), name, status)
            self.assertEqual(
                result.manifest["import"]["result"]["jobs"][0]["status"],
                status)

    def test_a_state_that_nobody_knows_is_gone_on_with(self):
        self.local.fault(rule="profiles.UploadJob=outcome:DREAMING")
        self.bad(self.document([people(3)], timeout_s=1), "ImportTimedOut",
                 "goes on at the service")

    def test_the_url_is_over(self):
        self.local.fault(rule="profiles.UploadUrl=outcome:EXPIRED,count=2")
        self.good(self.document([people(3)]))
        self.run_id += "x"
        self.local.fault(rule="profiles.UploadUrl=outcome:EXPIRED,count=9")
        result = self.bad(self.document([people(3)]), "AccessDenied",
                          "Request has expired")
        self.assertEqual(result.manifest["import"]["result"]["jobs"], [])
        self.local.admin("faults", method="DELETE")
        self.good(self.document([people(3)]))
        self.assertEqual(len(self.jobs()), 2)  # one for each run

    def test_a_store_that_refuses_the_key(self):
        self.local.fault(rule="upload.PutObject=error:501:NotImplemented")
        self.bad(self.document([people(3)]), "ServiceUnavailable",
                 "NotImplemented", AWS_MAX_ATTEMPTS="1")
        self.local.fault(rule="upload.PutObject=error:400:InvalidArgument")
        self.bad(self.document([people(3)]), "ServiceRefused",
                 "InvalidArgument")
        # a key of another kind: its MD5 is not the one that the store makes
        self.bad(self.document([people(3)], upload_key="text"),
                 "ServiceRefused", "MD5")

    def test_nothing_secret_is_said(self):
        document = self.document([people(3)])
        result = self.run_import(document, "--log", "debug")
        self.assertEqual(result.status, 0)
        for job in self.jobs():
            self.assertIn(job["JobId"], result.stderr)
        text = result.stderr + json.dumps(result.manifest)
        for word in ("X-Amz-Signature", "/_upload/", "customer-key",
                     "u1@example.com"):
            self.assertNotIn(word, text)

    def test_a_region_without_the_service(self):
        result = self.bad(
            self.document([people(1)], region="eu-south-99"),
            "ConfigInvalid", "eu-south-99", "import.region",
            AWS_ENDPOINT_URL=None, AWS_MAX_ATTEMPTS="1",
            AWS_IGNORE_CONFIGURED_ENDPOINT_URLS="true",
            no_proxy="*", NO_PROXY="*")
        self.assertEqual(result.status, 78)


class Refused(ProfilesCase):
    def error_of(self, document):
        """Of what may be no manifest by the schema."""
        done = subprocess.run(
            [program(PROGRAM)], input=json.dumps(document).encode(),
            env=self.local.environment(), capture_output=True, timeout=60,
            check=False)
        return json.loads(done.stdout)["error"]

    def test_jobs_that_are_wrong(self):
        for changes, name, word in (
                ({"destination": "pinpoint"}, "ConfigInvalid", "destination"),
                ({"domain": None}, "ConfigInvalid", "import.domain"),
                ({"domain": "a b"}, "ConfigInvalid", "import.domain"),
                ({"domain": "nowhere"}, "ServiceRefused", "domain"),
                ({"expiry_days": None}, "ConfigInvalid", "expiry_days"),
                ({"expiry_days": 1099}, "ConfigInvalid", "expiry_days"),
                ({"method": "post"}, "ConfigInvalid", "upload or objects"),
                ({"unique_key": "x"}, "ConfigInvalid", "unique_key"),
                ({"upload_key": "x"}, "ConfigInvalid", "upload_key"),
                ({"expiry_days": "x"}, "ManifestInvalid", "expiry_days"),
                ({"segment": {"name": "a b"}}, "ConfigInvalid", "segment"),
                ({"segment": {}}, "ConfigInvalid", "import.segment"),
                ({"segment": {"name": "a", "previous": "x"}},
                 "ConfigInvalid", "previous"),
                ({"segment": {"name": "none"}}, "ConfigInvalid",
                 "segment_none"),
                ({"sample_keys": -1}, "ConfigInvalid", "sample_keys"),
                ({"timeout_s": 1 << 62}, "ConfigInvalid", "time-outs"),
                ({"max_failed_percent": -1}, "ConfigInvalid",
                 "max_failed_percent"),
                ({"max_failed_percent": 101}, "ConfigInvalid",
                 "max_failed_percent"),
                ({"max_unknown_keys_percent": 100.5}, "ConfigInvalid",
                 "max_unknown_keys_percent")):
            with self.subTest(changes=changes):
                document = self.document([people(2)], **changes)
                error = self.error_of(document)
                self.assertEqual(error["name"], name, error)
                self.assertIn(word, error["message"])
        self.assertEqual(self.jobs(), [])

    def test_manifests_that_are_wrong(self):
        def fields(document):
            return document["validate"]["result"]["profile_fields"]

        def change(document, what):
            result = document["validate"]["result"]
            data = document["data"][0]
            if what == "fields":
                del result["profile_fields"]
            elif what == "key":
                result["key"] = "Nobody"
            elif what == "dot":
                fields(document)[1]["header"] = "A.b"
            elif what == "target":
                fields(document)[1]["target"] = "EmailAddress"
            elif what == "twice":
                fields(document)[1]["header"] = fields(document)[0]["header"]
            elif what == "many":
                result["profile_fields"] += [
                    {"header": "h%d" % i, "target": "_profile.Attributes.h"}
                    for i in range(30)]
            elif what == "rows":
                data["rows"] = None
            elif what == "sum":
                result["rows_out"] = 5
            elif what == "role":
                data["role"] = "query-result"
            elif what == "zstd":
                data["compression"] = "zstd"
            elif what == "large":
                data["bytes"] = 10 ** 9
            elif what == "crowd":
                document["data"] = [dict(data, rows=1 << 62)] * 2
                del result["rows_out"]

        for what, name in (("fields", "ManifestInvalid"),
                           ("key", "ManifestInvalid"),
                           ("dot", "ManifestInvalid"),
                           ("target", "ManifestInvalid"),
                           ("twice", "ManifestInvalid"),
                           ("many", "ManifestInvalid"),
                           ("rows", "ManifestInvalid"),
                           ("sum", "ManifestInvalid"),
                           ("crowd", "ManifestInvalid"),
                           ("role", "ManifestInvalid"),
                           ("zstd", "ConfigInvalid"),
                           ("large", "ConfigInvalid")):
            with self.subTest(what=what):
                document = self.document([people(2)])
                change(document, what)
                self.assertEqual(self.error_of(document)["name"], name)
        self.assertEqual(self.jobs(), [])

    def test_files_that_are_wrong(self):
        rows = people(3)
        good = csv(rows)
        for data, word, changes in (
                (b"\xef\xbb\xbf" + good, "byte-order mark", {}),
                (good.replace(b"Address_City", b"Address.City"), "dot", {}),
                (good.replace(b"Attributes_Plan", b"Plan"),
                 "no column 'Attributes_Plan'", {}),
                (good + b"u9,a,b,c\n", "4 rows, the manifest says 3", {}),
                (good[:-10], "row 3", {}),
                (good.replace(b"u1,", b",", 1), "the key", {}),
                (good.replace(b"u1,", b"x" * 256 + b",", 1), "the key", {}),
                (good.replace(b"u1,", b'u"1,', 1), "row 2", {}),
                (good + b'"u5', "", {}),
                (good, "CRC64NVME", {"crc64nvme": "AAAAAAAAAAA="}),
                (good, "bytes", {"bytes": len(good) + 1})):
            with self.subTest(word=word):
                path = self.file(data)
                one = entry(path, data, 3, **changes)
                self.bad(self.over([one]), "DataInvalid", word)
        self.assertEqual(self.jobs(), [])

    def test_a_file_that_changes_before_it_is_sent(self):
        data = csv(people(2000))
        path = self.file(data)
        self.local.fault(rule="profiles.CreateUploadJob=delay:1500")
        pipe = Pipe([PROGRAM], self.local.environment(),
                    json.dumps(self.over([entry(path, data, 2000)])).encode())
        time.sleep(0.7)
        with open(path, "r+b") as file:
            file.seek(len(data) - 20)
            file.write(b"Z")
        result = pipe.end()
        self.assertEqual(result.manifest["error"]["name"], "DataInvalid",
                         result.stderr)
        self.assertEqual(self.profiles(), [])

    def test_a_file_that_is_not_there(self):
        document = self.document([people(2)])
        document["data"][0]["uri"] += ".gone"
        self.bad(document, "FileError")
        document["data"][0]["uri"] = "s3://results/nothing.csv"
        self.bad(document, "ServiceRefused")

    def test_a_failed_run_is_passed_on(self):
        document = self.document([people(2)])
        document.update(status="failed", error={
            "stage": "x", "name": "QueryFailed", "message": "m",
            "retryable": False, "exit": 69})
        result = self.run_import(document)
        self.assertEqual(result.status, 69)
        self.assertEqual(result.manifest["stages"][-1]["status"], "skipped")


class Keys(ProfilesCase):
    def test_unknown_keys_stop_the_run(self):
        self.good(self.document([people(50)]))
        self.run_id += "b"
        document = self.document([people(100, 25)],
                                 max_unknown_keys_percent=70, sample_keys=100)
        result = self.bad(document, "DataInvalid", "75 of 100 sampled keys",
                          "max_unknown_keys_percent")
        self.assertEqual(result.status, 65)
        self.assertEqual(result.manifest["import"]["result"]["keys"],
                         {"sampled": 100, "unknown": 75})
        self.assertEqual(len(self.jobs()), 1)
        document["import"]["max_unknown_keys_percent"] = 75
        result = self.good(document)
        self.assertEqual(result["jobs"][0]["created"], 75)

    def test_the_default_and_a_small_sample(self):
        document = self.document([people(40), people(60, 40)], sample_keys=10)
        del document["import"]["max_unknown_keys_percent"]
        self.bad(document, "DataInvalid", "10 of 10 sampled keys")
        api = self.api()
        for n in range(0, 100, 10):  # the rows of the sample
            api.create_profile(DomainName=self.domain,
                               AccountNumber="u%d" % n)
        self.good(document)

    def test_a_sample_is_not_taken_once_it_has_begun(self):
        document = self.document([people(10)], max_unknown_keys_percent=100)
        self.good(document)
        document["import"]["max_unknown_keys_percent"] = 0
        self.local.fault(rule="profiles.SearchProfiles=error:403:AccessDenied")
        self.good(document)

    def test_other_keys(self):
        headers = (HEADERS[1], HEADERS[2])
        rows = [("a%d@example.com" % n, "Bern") for n in range(5)]
        self.api().create_profile(DomainName=self.domain,
                                  EmailAddress="A3@Example.com")
        document = self.document([rows], headers, max_unknown_keys_percent=80)
        self.good(document)
        self.assertEqual(len(self.profiles()), 5)
        self.run_id += "b"
        headers = (HEADERS[3], HEADERS[2])
        document = self.document([[("p1", "Rom")]], headers,
                                 max_unknown_keys_percent=0)
        result = self.run_import(document)
        self.assertEqual(result.status, 0, result.stderr)
        self.assertIn("cannot be looked up", result.stderr)


class Segments(ProfilesCase):
    headers = (*HEADERS, TAG)

    def tagged(self, rows, column="1", **segment):
        rows = [(*row, column) for row in rows]
        return self.document([rows], self.headers,
                             segment={"name": "gold", **segment})

    def members(self):
        ids = {p["ProfileId"]: p["AccountNumber"] for p in self.profiles()}
        found = self.api().get_segment_membership(
            DomainName=self.domain, SegmentDefinitionName="gold",
            ProfileIds=list(ids)[:100])["Profiles"]
        return sorted(ids[m["ProfileId"]] for m in found
                      if m["QueryResult"] == "PRESENT")

    def test_made_once(self):
        result = self.good(self.tagged(people(5)))
        self.assertEqual(result["segment"], {
            "name": "gold", "tag": "segment_gold", "value": "1",
            "estimate": 5})
        made = self.api().get_segment_definition(
            DomainName=self.domain, SegmentDefinitionName="gold")
        self.run_id += "b"
        self.assertEqual(self.good(self.tagged(people(5, 3)))["segment"]
                         ["estimate"], 8)  # the old ones stay until they expire
        self.assertEqual(self.api().get_segment_definition(
            DomainName=self.domain,
            SegmentDefinitionName="gold")["CreatedAt"], made["CreatedAt"])
        self.assertEqual(len(self.members()), 8)
        self.local.admin("clock", {"advance_s": 86400 * 61})
        self.assertEqual(self.profiles(), [])

    def test_named_by_an_option(self):
        rows = [(*row, "1") for row in people(2)]
        document = self.document([rows], self.headers)
        result = self.good(document, "--segment", "gold")
        self.assertEqual(result["segment"]["estimate"], 2)

    def test_an_old_run_is_overwritten(self):
        self.good(self.tagged(people(5), self.run_id, previous="overwrite"))
        self.assertEqual(len(self.members()), 5)
        self.run_id += "b"
        result = self.good(self.tagged(people(3, 4), self.run_id,
                                       previous="overwrite"))
        self.assertEqual(result["segment"]["value"], self.run_id)
        self.assertEqual(self.members(), ["u4", "u5", "u6"])

    def test_a_segment_of_somebody_else(self):
        self.api().create_segment_definition(
            DomainName=self.domain, SegmentDefinitionName="gold",
            DisplayName="mine", SegmentGroups={"Groups": [{"Dimensions": [
                {"ProfileAttributes": {"AccountNumber": {
                    "DimensionType": "INCLUSIVE", "Values": ["u1"]}}}]}]})
        for changes in ({}, {"previous": "overwrite"}):
            self.bad(self.tagged(people(2), **changes), "ConfigInvalid",
                     "another name")
        self.assertEqual(self.jobs(), [])

    def test_a_row_with_another_value(self):
        self.bad(self.tagged(people(2), "2"), "DataInvalid", "segment")
        self.good(self.tagged(people(2), "2", value="2"))

    def test_no_estimate(self):
        self.local.fault(rule="profiles.SegmentEstimate=outcome:FAILED")
        result = self.run_import(self.tagged(people(2)))
        self.assertEqual(result.status, 0)
        self.assertIsNone(result.manifest["import"]["result"]["segment"]
                          ["estimate"])
        self.assertIn("no estimate", result.stderr)


class Objects(ProfilesCase):
    def put(self, rows, **import_):
        import_.setdefault("objects_per_second", 10000)
        return self.document([rows], method="objects", **import_)

    def test_the_type_is_made_on_demand(self):
        document = self.put(people(25))
        self.bad(document, "ConfigInvalid", "no object type 'lakeseg'",
                 "--setup")
        result = self.good(document, "--setup")
        self.assertEqual(result["jobs"], [{
            "id": "lakeseg", "status": "COMPLETED", "rows": 25,
            "processed": 25, "failed": 0, "failures": []}])
        self.assertEqual(len(self.profiles()), 25)
        made = self.api().get_profile_object_type(
            DomainName=self.domain, ObjectTypeName="lakeseg")
        self.assertEqual((made["AllowProfileCreation"],
                          made["ExpirationDays"]), (True, 60))
        self.run_id += "b"
        self.good(self.put(people(25, 20), expiry_days=None))
        self.assertEqual(len(self.profiles()), 45)

    def test_a_type_that_does_not_fit(self):
        fields = {h: {"Source": "_source." + h, "Target": t}
                  for h, t, _ in HEADERS}
        key = {"_account": [{"StandardIdentifiers": ["UNIQUE", "PROFILE"],
                             "FieldNames": ["AccountNumber"]}]}
        lacking = {h: f for h, f in fields.items() if h != "EmailAddress"}
        moved = {**fields, "EmailAddress": {
            "Source": "_source.EmailAddress",
            "Target": "_profile.PersonalEmailAddress"}}
        for shape, word in (
                ({"Fields": fields}, "no UNIQUE key"),
                ({"Fields": fields, "Keys": {"k": [
                    {"StandardIdentifiers": ["UNIQUE"],
                     "FieldNames": ["AccountNumber"]}]}}, "no PROFILE key"),
                ({"Fields": lacking, "Keys": key}, "no field for"),
                ({"Fields": moved, "Keys": key}, "puts elsewhere")):
            self.api().put_profile_object_type(
                DomainName=self.domain, ObjectTypeName="lakeseg",
                Description="d", **shape)
            self.bad(self.put(people(2)), "ConfigInvalid", word)
        self.api().put_profile_object_type(
            DomainName=self.domain, ObjectTypeName="lakeseg", Description="d",
            Fields=fields, Keys=key)
        result = self.run_import(self.put(people(2)))
        self.assertEqual(result.status, 0, result.stderr)
        self.assertIn("makes no profiles", result.stderr)

    def test_each_row_that_is_refused_has_its_reason(self):
        rows = people(30)
        for n in (3, 17, 29):
            rows[n] = ("u%d" % n, "x" * 256, "", "")
        result = self.bad(self.put(rows), "ImportPartial",
                          "3 of 30 rows were refused", options=["--setup"])
        data = [d for d in result.manifest["data"] if d["role"] == "rejects"]
        self.assertEqual((len(data), data[0]["rows"]), (1, 3))
        with open(data[0]["uri"], encoding="utf-8") as file:
            rejects = [json.loads(line) for line in file]
        self.assertEqual([(r["record"], r["key"], r["code"])
                          for r in rejects],
                         [(4, "u3", 400), (18, "u17", 400), (30, "u29", 400)])
        self.assertIn("255", rejects[0]["detail"])
        self.assertEqual(len(self.profiles()), 27)
        self.run_id += "b"
        self.good(self.put(rows, max_failed_percent=10))

    def test_rejects_go_where_the_data_is(self):
        rows = [*people(3), ("u9", "x" * 256, "", "")]
        data = csv(rows)
        key = self.run_id + "/p.csv"
        self.local.s3().put_object(Bucket="results", Key=key, Body=data)
        document = self.over([entry("s3://results/" + key, data, 4)],
                             method="objects", max_failed_percent=50)
        document["run"]["work_uri"] = "s3://results/work/"
        result = self.run_import(document, "--setup")
        self.assertEqual(result.status, 0, result.stderr)
        uri = [d["uri"] for d in result.manifest["data"]
               if d["role"] == "rejects"]
        self.assertEqual(uri, ["s3://results/work/rejects/"
                               "import-rejects.jsonl"])
        self.assertEqual(
            self.objects_of("work/rejects/import-rejects.jsonl")["record"], 4)

    def objects_of(self, key):
        return json.loads(self.local.s3().get_object(
            Bucket="results", Key=key)["Body"].read())

    def test_objects_that_are_refused_for_the_moment(self):
        self.local.fault(rule="profiles.ProfileObject=error:429:Slow,count=5")
        result = self.good(self.put(people(10)), "--setup")
        self.assertEqual(result["jobs"][0]["failed"], 0)
        self.assertEqual(len(self.profiles()), 10)

    def test_it_goes_on_where_it_was(self):
        document = self.put(people(100))
        self.local.fault(rule="profiles.ProfileObject=error:503:Down,skip=55,"
                              "count=99")
        result = self.bad(document, "ServiceUnavailable", "after 50 of 100",
                          options=["--setup"])
        job = result.manifest["import"]["result"]["jobs"][0]
        self.assertEqual((job["status"], job["processed"]),
                         ("IN_PROGRESS", 50))
        # the service's words may quote a row
        self.assertNotIn("Down", result.manifest["error"]["message"])
        self.assertNotIn("Down", str(result.stderr))
        self.local.admin("faults", method="DELETE")
        # nothing that was put is put again: 50 rows are 5 calls
        self.local.fault(rule="profiles.BatchPutProfileObject=error:403:"
                              "AccessDenied,skip=5,count=9")
        self.assertEqual(self.good(document)["jobs"][0]["processed"], 100)
        self.assertEqual(self.good(document)["jobs"][0]["processed"], 100)
        self.assertEqual(len(self.profiles()), 100)

    def test_another_file_begins_anew(self):
        self.good(self.put(people(20)), "--setup")
        self.good(self.put(people(30)))
        self.assertEqual(len(self.profiles()), 30)

    def test_the_pace(self):
        begun = time.monotonic()
        self.good(self.put(people(60), objects_per_second=50), "--setup")
        self.assertGreaterEqual(time.monotonic() - begun, 0.9)


SQL = ('SELECT id AS Id, channel AS "ChannelType", address AS "Address", '
       'person AS "User.UserId", plan AS "Attributes.Plan" FROM endpoints')


class EndToEnd(ProfilesCase):
    """From the query on: the transformer makes what the importer takes."""

    def setUp(self):
        super().setUp()
        self.local.table("endpoints", "id,channel,address,person,plan\n" + "".join(
            "e%d,%s,%s,u%d,gold\n" % (
                n, "EMAIL" if n % 2 else "SMS",
                "p%d@example.com" % n if n % 2 else "+4144%07d" % n, n // 2)
            for n in range(60)))

    def job(self, **import_):
        return job(SQL, run={"id": self.run_id}, import_={
            "destination": "customer-profiles", "domain": self.domain,
            "expiry_days": 60, "max_unknown_keys_percent": 100,
            "segment": {"name": "gold"}, **import_})

    def check(self, programs, **import_):
        result = self.run_import(self.job(**import_), programs=programs)
        self.assertEqual(result.status, 0, result.stderr)
        stored = {p["AccountNumber"]: p for p in self.profiles()}
        self.assertEqual(len(stored), 30)
        for n in range(30):
            one = stored["u%d" % n]
            self.assertEqual(
                (one["PhoneNumber"], one["EmailAddress"], one["Attributes"]),
                ("+4144%07d" % (2 * n), "p%d@example.com" % (2 * n + 1),
                 {"Plan": "gold", "segment_gold": "1"}))
        done = result.manifest["import"]["result"]
        self.assertEqual(done["segment"]["estimate"], 30)
        self.told_once("successful", "success")

    def test_all_in_s3(self):
        self.check(["athena-exec", "csv-validate", PROGRAM, "sns-notify"])

    def test_over_a_local_disk(self):
        self.check(["athena-exec", "s3-fetch", "csv-validate-normalize",
                    PROGRAM, "sns-notify"])

    def test_each_step_apart(self):
        self.check(["athena-exec", "s3-fetch", "csv-validate-normalize",
                    "s3-put", PROGRAM, "sns-notify"])

    def test_as_objects(self):
        self.check(["athena-exec", "csv-validate", [PROGRAM, "--setup"],
                    "sns-notify"], method="objects", objects_per_second=10000)


class Notified(ProfilesCase):
    def test_the_message(self):
        self.run_import(self.document([people(4)]),
                        programs=[PROGRAM, "sns-notify"])
        message = self.told_once("successful", "success")
        self.assertIn("SUCCEEDED, 4 processed, 0 failed",
                      message["message"])

    def test_the_message_of_a_segment(self):
        rows = people(2, more=("1",))
        self.run_import(self.document([rows], (*HEADERS, TAG),
                                      segment={"name": "gold"}),
                        programs=[PROGRAM, "sns-notify"])
        self.assertIn("Segment: gold, about 2 profiles",
                      self.told_once("successful", "success")["message"])

    def test_lakeseg_run_takes_the_program_of_the_destination(self):
        path = self.file(json.dumps({
            "lakeseg": 1, "import": {"destination": "customer-profiles"},
            "query": {"sql": "DROP TABLE x", "output_uri": "s3://results/"},
            "notify": {"topic_arn": TOPIC}}).encode())
        done = subprocess.run([program("lakeseg"), "run", "--json", path],
                              env=self.local.environment(),
                              capture_output=True, timeout=60, check=False)
        self.assertEqual(
            [s["stage"] for s in json.loads(done.stdout)["stages"]],
            ["athena-exec", "csv-validate-normalize", "profiles-import",
             "sns-notify"])

    def test_what_was_not_started_imported_nothing(self):
        self.local.fault(rule="upload.PutObject=error:403:AccessDenied,count=9")
        self.run_import(self.document([people(4)]),
                        programs=[PROGRAM, "sns-notify"])
        self.told_once("import failed: nothing imported", "failure")


if __name__ == "__main__":
    unittest.main()
