"""boto3 as a client of lakeseg-local's Pinpoint: what the importer needs of
it, and the limits of the service (sources 1.6 to 1.8, 2).

Takes the program's path: test_pinpoint.py PATH/lakeseg-local [test ...]
"""

import gzip
import json
import time
import unittest
import uuid

from common import Case, Server

ROLE = "arn:aws:iam::123456789012:role/import"
STATES = ("CREATED", "PREPARING_FOR_INITIALIZATION", "INITIALIZING",
          "PROCESSING", "PENDING_JOB", "COMPLETING", "COMPLETED", "FAILING",
          "FAILED")


class Pinpoint(Case):
    def new_app(self):
        return self.pinpoint.create_app(CreateApplicationRequest={
            "Name": "x"})["ApplicationResponse"]["Id"]

    def start(self, body, app="app1", **arguments):
        prefix = "import/%s/" % uuid.uuid4()
        self.s3.put_object(Bucket="results", Key=prefix + "part",
                           Body=body.encode())
        return self.pinpoint.create_import_job(
            ApplicationId=app, ImportJobRequest={
                "Format": "CSV", "RoleArn": ROLE, "RegisterEndpoints": True,
                "S3Url": "s3://results/" + prefix, **arguments})[
                    "ImportJobResponse"]["Id"]

    def look(self, job, app="app1"):
        return self.pinpoint.get_import_job(
            ApplicationId=app, JobId=job)["ImportJobResponse"]

    def wait(self, job, app="app1"):
        deadline = time.monotonic() + 60
        while True:
            found = self.look(job, app)
            if found["JobStatus"] in ("COMPLETED", "FAILED"):
                return found
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def done(self, body, app="app1", **arguments):
        return self.wait(self.start(body, app, **arguments), app)

    def segment(self, segment, app):
        return self.pinpoint.get_segment(
            ApplicationId=app, SegmentId=segment)["SegmentResponse"]

    def members(self, segment, app):
        return sorted(self.server.admin(
            "segments/%s/%s/members" % (app, segment)))

    # segments

    def test_size_and_channels(self):
        app = self.new_app()
        job = self.done("Id,ChannelType,Address\na,EMAIL,a@x.y\nb,SMS,+15\n"
                        "c,EMAIL,c@x.y\nd,NOTHING,x\n", app,
                        DefineSegment=True, SegmentName="n")
        self.assertEqual((job["TotalProcessed"], job["TotalFailures"]),
                         (4, 1))
        segment = self.segment(job["Definition"]["SegmentId"], app)
        self.assertEqual(segment["ImportDefinition"]["Size"], 3)
        self.assertEqual(segment["ImportDefinition"]["ChannelCounts"],
                         {"EMAIL": 2, "SMS": 1})

    def test_a_second_import_makes_a_new_version(self):
        app = self.new_app()
        first = self.done("Id,ChannelType,Address\na,EMAIL,a@x.y\n", app,
                          DefineSegment=True, SegmentName="n")
        segment = first["Definition"]["SegmentId"]
        self.done("Id,ChannelType,Address\nb,SMS,+15\nc,SMS,+16\n", app,
                  DefineSegment=True, SegmentId=segment, SegmentName="n")
        self.assertEqual(self.members(segment, app), ["b", "c"])
        self.assertEqual(self.segment(segment, app)["Version"], 2)
        versions = self.pinpoint.get_segment_versions(
            ApplicationId=app, SegmentId=segment)["SegmentsResponse"]["Item"]
        self.assertEqual([(v["Version"], v["ImportDefinition"]["Size"])
                          for v in versions], [(2, 2), (1, 1)])
        one = self.pinpoint.get_segment_version(
            ApplicationId=app, SegmentId=segment, Version="1")[
                "SegmentResponse"]
        self.assertEqual(one["ImportDefinition"]["ChannelCounts"],
                         {"EMAIL": 1})
        self.refused(404, "NotFoundException",
                     self.pinpoint.get_segment_version, ApplicationId=app,
                     SegmentId=segment, Version="3")
        self.assertEqual(len(self.pinpoint.get_segment_import_jobs(
            ApplicationId=app, SegmentId=segment)["ImportJobsResponse"][
                "Item"]), 2)
        self.assertEqual(len(self.pinpoint.get_segments(ApplicationId=app)[
            "SegmentsResponse"]["Item"]), 1)

    def test_a_failed_import_leaves_the_segment(self):
        app = self.new_app()
        segment = self.done("Id,ChannelType,Address\na,EMAIL,a@x.y\n", app,
                            DefineSegment=True)["Definition"]["SegmentId"]
        self.server.admin("faults", {
            "rule": "pinpoint.ImportJob=outcome:FAILED"})
        job = self.done("Id,ChannelType,Address\nb,EMAIL,b@x.y\n", app,
                        DefineSegment=True, SegmentId=segment)
        self.assertEqual(job["JobStatus"], "FAILED")
        self.assertEqual(self.members(segment, app), ["a"])

    def test_segments_that_cannot_be_filled(self):
        app = self.new_app()
        made = self.pinpoint.create_segment(
            ApplicationId=app, WriteSegmentRequest={
                "Name": "d", "Dimensions": {"Attributes": {"A": {
                    "Values": ["x"]}}}})["SegmentResponse"]["Id"]
        for segment, status, code in (
                (made, 400, "BadRequestException"),
                ("nothing", 404, "NotFoundException")):
            self.refused(status, code, self.pinpoint.create_import_job,
                         ApplicationId=app, ImportJobRequest={
                             "Format": "CSV", "RoleArn": ROLE,
                             "S3Url": "s3://results/x/", "SegmentId": segment,
                             "DefineSegment": True})

    # jobs

    def test_every_status(self):
        """Side by side, each of them shown for long."""
        wanted = STATES[:6] + ("FAILING", "NO_SUCH_STATUS")
        for status in wanted:
            self.server.admin("faults", {
                "service": "pinpoint", "operation": "ImportJob",
                "outcome": status, "delay_ms": 5000})
        jobs = [self.start("Id,ChannelType,Address\na,EMAIL,a@x.y\n")
                for _ in wanted]
        seen, running = set(), set(jobs)
        while running:
            for job in sorted(running):
                status = self.look(job)["JobStatus"]
                seen.add(status)
                self.assertNotEqual(status, "FAILED")
                if status == "COMPLETED":
                    running.remove(job)
        self.assertLessEqual(set(wanted), seen)

    def test_no_more_than_a_hundred_failures(self):
        job = self.done("Id,ChannelType,Address\n" + "".join(
            "f%d,NOTHING,x\n" % i for i in range(150)))
        self.assertEqual((job["JobStatus"], job["TotalFailures"],
                          len(job["Failures"])), ("COMPLETED", 150, 100))

    # endpoints

    def test_one_address_for_two(self):
        app = self.new_app()
        self.done("Id,ChannelType,Address\na,EMAIL,a@x.y\nb,EMAIL,a@x.y\n"
                  "c,CUSTOM,a@x.y\n", app)
        self.assertEqual(
            [self.endpoint(i, app)["EndpointStatus"] for i in "abc"],
            ["INACTIVE", "ACTIVE", "ACTIVE"])

    def endpoint(self, name, app="app1"):
        return self.pinpoint.get_endpoint(
            ApplicationId=app, EndpointId=name)["EndpointResponse"]

    def test_sixteenth_endpoint_of_a_user(self):
        app = self.new_app()
        job = self.done("Id,ChannelType,Address,User.UserId\n" + "".join(
            "m%d,EMAIL,m%d@x.y,u\n" % (i, i) for i in range(16)), app)
        self.assertEqual(job["TotalFailures"], 1)
        self.assertIn("maximum endpoint per user count: 15",
                      job["Failures"][0])
        # of push endpoints the oldest one gives way
        rows = "Id,ChannelType,Address,User.UserId,EffectiveDate\n" + "".join(
            "p%d,GCM,token%d,v,2026-01-%02dT00:00:00.000Z\n" %
            (i, i, 28 if i == 0 else i) for i in range(15))
        self.assertEqual(self.done(rows, app)["TotalFailures"], 0)
        self.assertEqual(self.done(
            "Id,ChannelType,Address,User.UserId\nq,APNS,new,v\n", app)[
                "TotalFailures"], 0)
        oldest = self.endpoint("p1", app)  # of 1 January; p0 is of the 28th
        self.assertEqual(oldest["EndpointStatus"], "INACTIVE")
        self.assertNotIn("UserId", oldest.get("User", {}))
        self.assertEqual(self.endpoint("p0", app)["User"]["UserId"], "v")
        self.assertEqual(len(self.pinpoint.get_user_endpoints(
            ApplicationId=app, UserId="v")["EndpointsResponse"]["Item"]), 15)

    def test_limits_of_attributes(self):
        app = self.new_app()

        def put(attributes, name="e"):
            return self.pinpoint.update_endpoints_batch(
                ApplicationId=app, EndpointBatchRequest={"Item": [{
                    "Id": name, "ChannelType": "EMAIL", "Address": "a@x.y",
                    "Attributes": attributes}]})

        put({"A": ["v"] * 50, "N" * 50: ["x" * 100]})
        for attributes in ({"A": ["v"] * 51}, {"N" * 51: ["x"]},
                           {"A": ["x" * 101]},
                           {"B%d" % i: ["x" * 100] for i in range(160)},
                           {"B%d" % i: ["x"] for i in range(249)}):
            self.refused(400, "BadRequestException",
                         self.pinpoint.update_endpoints_batch,
                         ApplicationId=app, EndpointBatchRequest={"Item": [{
                             "Id": "e", "Attributes": attributes}]})
        put({"B%d" % i: ["x"] for i in range(248)})
        put({"B%d" % i: ["y"] for i in range(248)}, "other")
        job = self.done("Id,ChannelType,Address,Metrics.One\n"
                        "f,EMAIL,f@x.y,1\n", app)
        self.assertIn("Too many custom attributes", job["Failures"][0])

    def test_deleted_endpoints(self):
        app = self.new_app()
        self.done("Id,ChannelType,Address,User.UserId,Attributes.A\n"
                  "Aa,EMAIL,a@x.y,u,1\nb,EMAIL,b@x.y,u,2\n", app)
        gone = self.pinpoint.delete_endpoint(
            ApplicationId=app, EndpointId="aA")["EndpointResponse"]
        self.assertEqual((gone["Id"], gone["Address"]), ("Aa", "a@x.y"))
        self.refused(404, "NotFoundException", self.pinpoint.get_endpoint,
                     ApplicationId=app, EndpointId="Aa")
        self.refused(404, "NotFoundException", self.pinpoint.delete_endpoint,
                     ApplicationId=app, EndpointId="Aa")
        self.assertEqual([e["Id"] for e in self.pinpoint.get_user_endpoints(
            ApplicationId=app, UserId="u")["EndpointsResponse"]["Item"]],
                         ["b"])
        # it is a new one: it needs an address, and has no old attribute
        self.assertEqual(self.done("Id,Attributes.B\naa,1\n", app)[
            "TotalFailures"], 1)
        self.done("Id,ChannelType,Address,Attributes.B\naa,EMAIL,n@x.y,1\n",
                  app)
        self.assertEqual(self.endpoint("aa", app)["Attributes"],
                         {"B": ["1"]})

    # exports

    def export(self, app, **arguments):
        job = self.pinpoint.create_export_job(
            ApplicationId=app, ExportJobRequest={
                "RoleArn": ROLE, "S3UrlPrefix": "s3://results/export",
                **arguments})["ExportJobResponse"]
        self.assertEqual(job["Type"], "EXPORT")
        deadline = time.monotonic() + 60
        while job["JobStatus"] not in ("COMPLETED", "FAILED"):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
            job = self.pinpoint.get_export_job(
                ApplicationId=app, JobId=job["Id"])["ExportJobResponse"]
        return job

    def lines(self, job):
        body = self.s3.get_object(
            Bucket="results", Key="export/%s.gz" % job["Id"])["Body"].read()
        return [json.loads(line) for line in
                gzip.decompress(body).decode().splitlines()]

    def test_export(self):
        app = self.new_app()
        rows = 2500
        made = self.done("Id,ChannelType,Address,User.UserId\n" + "".join(
            "e%d,EMAIL,e%d@x.y,u%d\n" % (i, i, i // 2)
            for i in range(rows)), app, DefineSegment=True)
        self.pinpoint.delete_endpoint(ApplicationId=app, EndpointId="e7")
        job = self.export(app)
        self.assertEqual((job["JobStatus"], job["TotalProcessed"]),
                         ("COMPLETED", rows - 1))
        found = self.lines(job)
        self.assertEqual({e["Id"]: e["User"]["UserId"] for e in found},
                         {"e%d" % i: "u%d" % (i // 2) for i in range(rows)
                          if i != 7})
        self.done("Id,ChannelType,Address\nz,EMAIL,z@x.y\n", app)
        job = self.export(app, SegmentId=made["Definition"]["SegmentId"])
        self.assertEqual(len(self.lines(job)), rows - 1)
        self.assertEqual([j["Id"] for j in self.pinpoint.get_export_jobs(
            ApplicationId=app)["ExportJobsResponse"]["Item"]][0], job["Id"])

    def test_exports_that_fail(self):
        app = self.new_app()
        for arguments, status, code in (
                ({"S3UrlPrefix": "http://x"}, 400, "BadRequestException"),
                ({"S3UrlPrefix": "s3:///x"}, 400, "BadRequestException"),
                ({"RoleArn": "me"}, 400, "BadRequestException"),
                ({"SegmentId": "no"}, 404, "NotFoundException")):
            with self.subTest(arguments=arguments):
                self.refused(status, code, self.pinpoint.create_export_job,
                             ApplicationId=app, ExportJobRequest={
                                 "RoleArn": ROLE,
                                 "S3UrlPrefix": "s3://results/x",
                                 **arguments})
        job = self.export(app, S3UrlPrefix="s3://no-such-bucket/x")
        self.assertEqual(job["JobStatus"], "FAILED")
        self.refused(404, "NotFoundException", self.pinpoint.get_export_job,
                     ApplicationId=app, JobId="no")


class Quota(Case):
    options = ("--import-jobs", "2", "--job-delay-ms", "600000")

    def test_no_more_than_two(self):
        request = {"Format": "CSV", "RoleArn": ROLE,
                   "RegisterEndpoints": True, "S3Url": "s3://results/x/"}
        for _ in range(2):
            self.pinpoint.create_import_job(ApplicationId="app1",
                                            ImportJobRequest=request)
        self.refused(429, "TooManyRequestsException",
                     self.pinpoint.create_import_job, ApplicationId="app1",
                     ImportJobRequest=request)
        self.assertEqual(len(self.server.admin("imports/app1")), 2)


class Restart(unittest.TestCase):
    def test_state_is_kept(self):
        import tempfile
        with tempfile.TemporaryDirectory() as state:
            first = Server(state=state)
            client = first.client("pinpoint")
            first.client("s3").put_object(
                Bucket="results", Key="i/p",
                Body=b"Id,ChannelType,Address\na,EMAIL,a@x.y\n"
                     b"b,EMAIL,b@x.y\n")
            job = client.create_import_job(
                ApplicationId="app1", ImportJobRequest={
                    "Format": "CSV", "RoleArn": ROLE, "DefineSegment": True,
                    "RegisterEndpoints": True, "S3Url": "s3://results/i/"})[
                        "ImportJobResponse"]
            deadline = time.monotonic() + 60
            while client.get_import_job(
                    ApplicationId="app1", JobId=job["Id"])[
                        "ImportJobResponse"]["JobStatus"] != "COMPLETED":
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.02)
            client.delete_endpoint(ApplicationId="app1", EndpointId="b")
            self.assertEqual(first.stop(), 0)
            second = Server(state=state)
            client = second.client("pinpoint")
            segment = job["Definition"]["SegmentId"]
            self.assertEqual(len(client.get_segment_versions(
                ApplicationId="app1", SegmentId=segment)[
                    "SegmentsResponse"]["Item"]), 1)
            self.assertEqual([e["Id"] for e in
                              second.admin("endpoints/app1")], ["a"])
            self.assertEqual(second.stop(), 0)


if __name__ == "__main__":
    unittest.main()
