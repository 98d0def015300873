"""pinpoint-import: jobs, segments, counts, bad input."""

import json
import unittest

from harness import Pipe
from importing import Importing, edit


class Jobs(Importing):
    options = ("--import-jobs", "2", "--job-delay-ms", "300")

    def jobs_of(self, result):
        return result.manifest["import"]["result"]["jobs"]

    def test_several_jobs_with_refused_starts(self):
        for most in (2, 5):  # the service takes two
            with self.subTest(max_jobs=most):
                data = self.folders(5, rows=4)
                manifest = self.manifest(data, max_jobs=most,
                                         max_job_bytes=data[0]["bytes"])
                result = self.run_import(manifest)
                self.assertEqual(
                    [(j["s3_url"], j["status"], j["rows"], j["processed"])
                     for j in self.jobs_of(result)],
                    [(d["uri"][:-len("part-0000.csv")], "COMPLETED", 4, 4)
                     for d in data])
                self.assertEqual(len(self.imports(manifest)), 5)
                self.assertEqual("no import job now" in result.stderr,
                                 most == 5, result.stderr)

    def test_files_are_grouped_by_folder(self):
        data = self.folders(3)
        root = data[0]["uri"].partition("import/")[0] + "import/"
        result = self.run_import(self.manifest(data))
        self.assertEqual([(j["s3_url"], j["rows"]) for j in
                          self.jobs_of(result)], [(root, 9)])
        # two files of one folder that do not fit together
        prefix = self.prefix()
        data = [self.part(prefix + name, 4) for name in ("a.csv", "b.csv")]
        result = self.run_import(self.manifest(
            data, max_job_bytes=data[0]["bytes"]))
        self.assertEqual([j["s3_url"] for j in self.jobs_of(result)],
                         [d["uri"] for d in data])
        self.fails(self.manifest(data, max_job_bytes=data[0]["bytes"] - 1),
                   "ConfigInvalid", "at most")

    def test_files_without_rows(self):
        data = self.folders(2)
        data.append(self.part(data[0]["uri"][len("s3://results/"):][
            :-len("p0000/part-0000.csv")] + "p0002/part-0000.csv", 0))
        result = self.run_import(self.manifest(
            data, max_job_bytes=data[0]["bytes"]))
        self.assertEqual(len(self.jobs_of(result)), 2)
        result = self.run_import(self.manifest(data[2:]))
        self.assertEqual(self.jobs_of(result), [])
        self.assertEqual(result.manifest["status"], "succeeded")

    def test_a_failed_job_starts_no_other(self):
        data = self.folders(3)
        manifest = self.manifest(data, max_jobs=1,
                                 max_job_bytes=data[0]["bytes"])
        self.local.fault(rule="pinpoint.ImportJob=outcome:FAILED,skip=1")
        result = self.fails(manifest, "ImportFailed", "1 of 3 jobs were not")
        self.assertEqual([j["status"] for j in self.jobs_of(result)],
                         ["COMPLETED", "FAILED"])
        self.assertEqual(len(self.imports(manifest)), 2)

    def test_dry_run(self):
        data = self.folders(2)
        manifest = self.manifest(data, max_job_bytes=data[0]["bytes"])
        front = self.changed()
        result = self.run_import(manifest, "--dry-run",
                                 AWS_ENDPOINT_URL=front.url)
        self.assertEqual(self.imports(manifest), [])
        self.assertNotIn("CreateImportJob", front.calls())
        self.assertEqual(result.manifest["status"], "pending")
        planned = result.manifest["import"]["result"]["planned"]
        for one, entry in zip(planned, data):
            self.assertEqual(one, {
                "Format": "CSV", "RoleArn": manifest["import"]["role_arn"],
                "S3Url": entry["uri"][:-len("part-0000.csv")],
                "DefineSegment": False, "RegisterEndpoints": True})
            self.assertIn(one["S3Url"], result.stderr)
        # what a dry run left is no obstacle to a real one
        result = self.run_import(result.manifest)
        self.assertNotIn("planned", result.manifest["import"]["result"])
        self.assertEqual(len(self.imports(manifest)), 2)


class Segments(Importing):
    def segments(self):
        import boto3
        return boto3.client(
            "pinpoint", endpoint_url=self.local.url, region_name="us-east-1",
            aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key=
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")

    def test_combinations_are_judged_before_any_call(self):
        front = self.changed()
        cases = (({"register_endpoints": False}, "nothing to do"),
                 ({"define_segment": True}, "needs import.segment_name"),
                 ({"segment_name": "n"}, "import.segment_name"),
                 ({"segment_id": "n"}, "import.segment_id"),
                 ({"define_segment": True, "segment_per_part": True,
                   "segment_id": "i"}, "segment_per_part"),
                 ({"application_id": None}, "application_id"),
                 ({"role_arn": None}, "role_arn"))
        for settings, words in cases:
            with self.subTest(settings=settings):
                self.fails(self.one(**settings), "ConfigInvalid", words,
                           AWS_ENDPOINT_URL=front.url)
        data = self.folders(2)
        self.fails(self.manifest(
            data, max_job_bytes=data[0]["bytes"], define_segment=True,
            segment_name="n"), "ConfigInvalid", "segment_per_part",
            AWS_ENDPOINT_URL=front.url)
        for option, words in (("--max-jobs=0", "max_jobs"),
                              ("--max-jobs=11", "max_jobs"),
                              ("--retired-check=x", "retired_check"),
                              ("--timeout=0", "time-out")):
            self.fails(self.one(), "ConfigInvalid", words, option,
                       AWS_ENDPOINT_URL=front.url)
        self.assertEqual(front.calls(), [])

    def test_the_job_comes_before_the_environment(self):
        environment = {"LAKESEG_IMPORT_TIMEOUT_S": "0"}
        self.run_import(self.one(timeout_s=600), **environment)
        self.fails(self.one(), "ConfigInvalid", "time-out", **environment)

    def test_made_then_updated(self):
        settings = {"define_segment": True, "segment_name": "by name"}
        first = self.run_import(self.one(3, **settings)).manifest
        second = self.run_import(self.one(5, **settings)).manifest
        one, two = (m["import"]["result"]["jobs"][0]["segment"]
                    for m in (first, second))
        self.assertEqual(one, {
            "id": two["id"], "name": "by name", "version": 1, "size": 3,
            "channels": {"EMAIL": 3}})
        self.assertEqual((two["version"], two["size"]), (2, 5))
        third = self.run_import(self.one(
            2, define_segment=True, segment_id=one["id"],
            register_endpoints=False)).manifest
        self.assertEqual(
            third["import"]["result"]["jobs"][0]["segment"]["version"], 3)

    def test_names_that_do_not_say_which(self):
        client = self.segments()
        for _ in range(2):
            client.create_segment(ApplicationId="app1", WriteSegmentRequest={
                "Name": "twin", "Dimensions": {}})
        client.create_segment(ApplicationId="app1", WriteSegmentRequest={
            "Name": "dimensional", "Dimensions": {}})
        for name, words in (("twin", "segment_id says which"),
                            ("dimensional", "dimensions")):
            manifest = self.one(define_segment=True, segment_name=name)
            self.fails(manifest, "ConfigInvalid", words)
            self.assertEqual(self.imports(manifest), [])

    def test_a_segment_for_each_job(self):
        data = self.folders(2)
        result = self.run_import(self.manifest(
            data, max_job_bytes=data[0]["bytes"], define_segment=True,
            segment_name="parts", segment_per_part=True))
        self.assertEqual([j["segment"]["name"] for j in result.manifest[
            "import"]["result"]["jobs"]], ["parts-1", "parts-2"])

    def test_a_job_that_is_found_again_updated_its_segment(self):
        def kept_before(call, kept):
            if call == "GetSegment":
                body = json.loads(kept.answer_body)
                body["ImportDefinition"].update(
                    Size=5, ChannelCounts={"EMAIL": 5})
                kept.answer_body = json.dumps(body).encode()
        settings = {"define_segment": True, "segment_name": "again"}
        self.run_import(self.one(2, **settings))
        front = self.changed(kept_before)
        manifest = self.one(3, **settings)
        for _ in range(2):
            result = self.run_import(manifest, AWS_ENDPOINT_URL=front.url)
            self.assertIn("kept those before", result.stderr)
        self.assertEqual(len(self.imports(manifest)), 1)

    def test_what_is_read_back_must_match(self):
        def size(n, channels):
            def change(call, kept):
                if call == "GetSegment":
                    body = json.loads(kept.answer_body)
                    body["ImportDefinition"].update(
                        Size=n, ChannelCounts=channels)
                    kept.answer_body = json.dumps(body).encode()
            return change
        for change, words in ((size(2, {"SMS": 2}), "fewer"),
                              (size(4, {"SMS": 4}), "more"),
                              (size(3, {"SMS": 2}), "add up"),
                              (size("3", {}), "does not say")):
            front = self.changed(change)
            manifest = self.one(3, define_segment=True, segment_name=words)
            result = self.fails(manifest, "ImportPartial", words,
                                AWS_ENDPOINT_URL=front.url)
            self.assertIn("segment", result.manifest["import"]["result"][
                "jobs"][0])
        seen = []

        def late(call, kept):  # it shows a moment after its job
            if call == "GetSegment":
                seen.append(1)
                if len(seen) < 3:
                    kept.status = 404
                    kept.answer_body = b'{"Message":"no","__type":"NotFound' \
                        b'Exception"}'
        front = self.changed(late)
        self.run_import(self.one(define_segment=True, segment_name="late"),
                        AWS_ENDPOINT_URL=front.url)
        self.assertEqual(len(seen), 3)


class Counts(Importing):
    BAD = "a,EMAIL,a@example.com\nb,NOTHING,it's o'secret\n" \
          "c,EMAIL,c@example.com\n"

    def test_failures_above_the_limit(self):
        manifest = self.manifest([self.part(
            self.prefix() + "p0000/part-0000.csv", body=self.BAD)])
        result = self.fails(manifest, "ImportPartial", "1 of 3 rows failed")
        job = result.manifest["import"]["result"]["jobs"][0]
        self.assertEqual((job["status"], job["failed"]), ("COMPLETED", 1))
        self.assertEqual(len(job["failures"]), 1)
        told = len(self.local.messages())
        Pipe(["sns-notify"], self.local.environment(),
             result.stdout).end()
        message = self.local.messages()[told]
        for text in (result.stderr, message["message"]):
            self.assertIn("rows failed", text)
            self.assertNotIn("ChannelType", text)
        self.assertIn("1 texts of the service", message["message"])
        self.assertIn("ChannelType", result.manifest["error"]["message"])

    def test_failures_within_the_limit(self):
        manifest = self.manifest([self.part(
            self.prefix() + "p0000/part-0000.csv", body=self.BAD)],
            max_failed_percent=34, define_segment=True, segment_name="some")
        result = self.run_import(manifest)
        job = result.manifest["import"]["result"]["jobs"][0]
        self.assertEqual((job["failed"], job["segment"]["size"]), (1, 2))

    def with_answer(self, name=None, words=None, **fields):
        def change(call, kept):
            if call == "GetImportJob":
                edit(kept, **fields)
        front = self.changed(change)
        manifest = self.one(3)
        if name is None:
            return self.run_import(manifest, AWS_ENDPOINT_URL=front.url)
        result = self.fails(manifest, name, words,
                            AWS_ENDPOINT_URL=front.url)
        self.assertEqual(len(self.imports(manifest)), 1)
        return result

    def test_counts_that_do_not_match(self):
        for count, words in ((2, "processed 2 rows of 3"),
                             (4, "processed 4 rows of 3"),
                             (None, "does not say"), ("3", "does not say")):
            with self.subTest(count=count):
                self.with_answer("ImportPartial", words, TotalProcessed=count)
        self.with_answer("ImportPartial", "1 of 3 rows failed; the first: no "
                         "reason is given", TotalFailures=1)

    def test_fields_that_nobody_knows(self):
        self.with_answer(Mood="good", Failures={"not": "a list"},
                         CompletedPieces="many", Definition=[])

    def test_states(self):
        """Those of the service, and one that it does not have."""
        words = ["CREATED", "PREPARING_FOR_INITIALIZATION", "INITIALIZING",
                 "PROCESSING", "PENDING_JOB", "COMPLETING", "FAILING",
                 "DREAMING"]
        left = list(words)

        def change(call, kept):
            if call == "GetImportJob" and left:
                edit(kept, JobStatus=left.pop(0))
        front = self.changed(change)
        result = self.run_import(self.one(), AWS_ENDPOINT_URL=front.url)
        self.assertEqual(left, [])
        self.assertEqual(result.manifest["import"]["result"]["jobs"][0][
            "status"], "COMPLETED")
        self.assertGreater(front.calls().count("GetImportJob"), len(words))


class Prefix(Importing):
    def test_a_file_of_somebody_else(self):
        manifest = self.one()
        key = manifest["data"][0]["uri"][len("s3://results/"):]
        self.part(key + ".metadata")
        self.fails(manifest, "ConfigInvalid", "did not write")
        self.assertEqual(self.imports(manifest), [])
        data = self.folders(2)
        self.part(data[0]["uri"][len("s3://results/"):].replace(
            "p0000", "p0007"))
        self.fails(self.manifest(data), "ConfigInvalid", "p0007")

    def test_files_that_are_not_as_they_were(self):
        manifest = self.one(4)
        key = manifest["data"][0]["uri"][len("s3://results/"):]
        self.part(key, 3)
        self.fails(manifest, "DataInvalid", "is not what this run wrote")
        self.part(key, 4)  # as long, but with another ETag
        self.fails(manifest, "DataInvalid", "is not what this run wrote")
        self.local.s3().delete_object(Bucket="results", Key=key)
        self.fails(manifest, "DataInvalid", "is not there")
        self.assertEqual(self.imports(manifest), [])

    def test_data_that_no_import_takes(self):
        for change, name, words in (
                ({"uri": "/tmp/x.csv"}, "ConfigInvalid", "s3-put"),
                ({"rows": None}, "ManifestInvalid", "row count"),
                ({"compression": "gzip"}, "ConfigInvalid", "compressed"),
                ({"role": "rejects"}, "ManifestInvalid", "nothing to")):
            with self.subTest(change=change):
                manifest = self.one()
                manifest["data"][0].update(change)
                self.fails(manifest, name, words)
        manifest = self.one()
        manifest["data"].append(dict(manifest["data"][0]))
        self.fails(manifest, "ManifestInvalid", "twice")
        manifest = self.manifest(self.folders(2))
        manifest["data"][1]["format"] = "json"
        self.fails(manifest, "ConfigInvalid", "two formats")


class Refusals(Importing):
    def test_application_and_rights(self):
        manifest = self.one(application_id="app9")
        self.fails(manifest, "ServiceRefused",
                   "is 'app9' an application in region 'us-east-1'")
        self.local.fault(rule="pinpoint.CreateImportJob=error:403:"
                              "ForbiddenException")
        manifest = self.one()
        self.fails(manifest, "AccessDenied", "iam:PassRole on 'arn:aws:iam")
        self.local.fault(rule="pinpoint.CreateImportJob=error:400:"
                              "BadRequestException")
        self.fails(manifest, "ServiceRefused", "BadRequestException")
        self.assertEqual(self.imports(manifest), [])


if __name__ == "__main__":
    unittest.main()
