"""Moving over: the same query into Pinpoint and into Customer Profiles of one
lakeseg-local, then both stores read back and compared attribute by attribute,
as docs/moving-from-pinpoint.md says. boto3 is the witness."""

import collections
import datetime
import json
import os
import subprocess
import sys
import time
import unittest

import boto3

from harness import KEY, ROLE, SECRET, SHORT, SOURCE, Case, job

EXAMPLES = os.path.join(SOURCE, "examples")
MOVED = ["athena-exec", "csv-validate", "profiles-import", "sns-notify"]
TOPIC = "arn:aws:sns:us-east-1:123456789012:lakeseg-demo"
APP, DOMAIN, BUCKET = "demo", "crm", "lakeseg-results"
CONTACTS = "0-contacts"
REFERENCE = ("1-clicked-email", "2-renewal-30d", "3-unengaged-by-state",
             "4-sessions-24h")
PHONES = ("PhoneNumber", "HomePhoneNumber", "MobilePhoneNumber",
          "BusinessPhoneNumber", "Attributes.PhoneNumber_5",
          "Attributes.PhoneNumber_6")
EMAILS = ("EmailAddress", "PersonalEmailAddress", "BusinessEmailAddress",
          "Attributes.EmailAddress_4", "Attributes.EmailAddress_5")
PLACES = {"City": "Address.City", "Country": "Address.Country",
          "PostalCode": "Address.PostalCode", "Region": "Address.County",
          "Latitude": "Attributes.Latitude",
          "Longitude": "Attributes.Longitude"}

# user, channel, address, opt-out, city, plan, stage, visits, make
ENDPOINTS = [
    ("u1", "SMS", "+15550101", "NONE", "Bern", "gold", "New", "3", "Nokia"),
    ("u1", "SMS", "+15550102", "NONE", "Bern", "gold", "New", "3", "Nokia"),
    ("u1", "VOICE", "+15550103", "NONE", "Bern", "gold", "New", "3", "Nokia"),
    ("u1", "SMS", "+15550104", "NONE", "Bern", "gold", "New", "3", "Nokia"),
    ("u1", "SMS", "+15550105", "NONE", "Bern", "gold", "New", "3", "Nokia"),
    ("u1", "VOICE", "+15550106", "NONE", "Bern", "gold", "New", "3", "Nokia"),
    ("u1", "EMAIL", "a1@example.com", "NONE", "Bern", "gold", "New", "3", ""),
    ("u1", "EMAIL", "a2@example.com", "NONE", "Bern", "gold", "New", "3", ""),
    ("u1", "EMAIL", "a3@example.com", "NONE", "Bern", "gold", "New", "3", ""),
    ("u1", "EMAIL", "a4@example.com", "NONE", "Bern", "gold", "New", "3", ""),
    ("u2", "EMAIL", "b@example.com", "NONE", "Rome", "gold", "Old", "1.5", "a"),
    ("u2", "SMS", "+15550201", "NONE", "", "silver", "Old", "", ""),
    ("u2", "GCM", "token-of-u2", "NONE", "", "bronze", "Old", "", ""),
    ("u3", "EMAIL", "c@example.com", "ALL", "Oslo", "gold", "New", "7", ""),
    ("u3", "SMS", "+15550301", "NONE", "Oslo", "iron", "New", "8", ""),
    ("u4", "EMAIL", "d@example.com", "ALL", "Oslo", "gold", "New", "1", ""),
    ("u5", "EMAIL", "e@example.com", "NONE", "Zürich", 'a "b", c', "", "", ""),
    ("", "EMAIL", "nobody@example.com", "NONE", "Graz", "gold", "", "", "")]
SQL = """SELECT id AS Id, channel AS "ChannelType", address AS "Address",
user_id AS "User.UserId", optout AS "OptOut", city AS "Location.City",
country AS "Location.Country", postal AS "Location.PostalCode",
region AS "Location.Region", lat AS "Location.Latitude",
lon AS "Location.Longitude", plan AS "Attributes.Plan",
stage AS "User.UserAttributes.LifecycleStage", visits AS "Metrics.Visits",
make AS "Demographic.Make" FROM endpoint"""


def endpoint_rows():
    lines = ["id,channel,address,user_id,optout,city,country,postal,region,"
             "lat,lon,plan,stage,visits,make"]
    for number, (user, channel, address, optout, city, plan, stage, visits,
                 make) in enumerate(ENDPOINTS):
        lines.append(",".join([
            "e%02d" % number, channel, address, user, optout, city,
            "CH" if city else "", "PO 4%s" % city if city else "",
            "R-%s" % city if city else "", "46.5" if city else "",
            "7.25" if city else "",
            '"%s"' % plan.replace('"', '""'), stage, visits, make]))
    return "\n".join(lines) + "\n"


def wanted(endpoints):
    """The profile of one user, told by what GetEndpoint says of each."""
    profile, many = {}, collections.defaultdict(list)
    phones, emails = iter(PHONES), iter(EMAILS)
    for endpoint in sorted(endpoints, key=lambda one: one["Id"]):
        if endpoint["OptOut"] == "ALL":
            continue
        profile["AccountNumber"] = endpoint["User"]["UserId"]
        if endpoint["ChannelType"] in ("SMS", "VOICE"):
            profile[next(phones)] = endpoint["Address"]
        elif endpoint["ChannelType"] == "EMAIL":
            profile[next(emails)] = endpoint["Address"]
        for name, value in endpoint.get("Location", {}).items():
            profile.setdefault(PLACES[name], str(value))
        for name, value in endpoint.get("Metrics", {}).items():
            profile.setdefault("Attributes.Metrics_" + name, str(value))
        for name, value in endpoint.get("Demographic", {}).items():
            profile.setdefault("Attributes.Demographic_" + name, value)
        for name, values in endpoint.get("Attributes", {}).items():
            many["Attributes.%s", name] += values
        for name, values in endpoint["User"].get("UserAttributes",
                                                 {}).items():
            many["Attributes.UserAttributes_%s", name] += values
    for (shape, name), values in many.items():
        values = list(dict.fromkeys(values))
        if len(values) == 1:
            profile["Attributes." + name] = values[0]
        else:
            for number, value in enumerate(values):
                profile[shape % name + "_%d" % number] = value
    return profile


def flat(profile):
    fields = {}
    for name, value in profile.items():
        if isinstance(value, dict):
            fields.update(("%s.%s" % (name, key), one)
                          for key, one in value.items())
        elif name not in ("ProfileId", "FoundByItems"):
            fields[name] = value
    return fields


class MovingCase(Case):
    options = ("--bucket", BUCKET, "--app", APP, "--domain", DOMAIN,
               "--topic", "lakeseg-demo")

    def client(self, service):
        return boto3.client(
            service, endpoint_url=self.local.url, region_name="us-east-1",
            aws_access_key_id=KEY, aws_secret_access_key=SECRET)

    def moving(self, *words, status=0):
        """The example's program."""
        done = subprocess.run(
            [sys.executable, "-B", os.path.join(EXAMPLES, "moving"), *words],
            env={**os.environ, "AWS_ENDPOINT_URL": self.local.url},
            capture_output=True, timeout=120, check=False)
        self.assertEqual(done.returncode, status,
                         (done.stdout + done.stderr).decode())
        return done.stdout

    def path(self, name, data):
        path = os.path.join(self.local.dir, name)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def job_of(self, sql):
        """A job for Pinpoint in a file."""
        return self.path("job.json", json.dumps({
            "lakeseg": 1, "run": {"name": "all"},
            "query": {"sql": sql, "database": "lake",
                      "output_uri": "s3://%s/athena/" % BUCKET},
            "import": {"application_id": APP, "role_arn": ROLE},
            "notify": {"topic_arn": TOPIC}}).encode())

    def both(self, path, *id_map, **validate):
        """One job to Pinpoint as it is and, moved, to Customer Profiles."""
        with open(path, encoding="utf-8") as file:
            old = json.load(file)
        new = json.loads(self.moving("job", path, DOMAIN, "60", *id_map))
        self.assertEqual({k for k in old if old[k] != new.get(k)}, {"import"})
        results = []
        for programs, document in ((SHORT, old), (MOVED, new)):
            document.setdefault("validate", {}).update(validate)
            results.append(self.run_pipe(programs, document))
            self.assertEqual(results[-1].status, 0, results[-1].stderr)
        return [result.manifest for result in results]

    def export(self):
        """The id map of an export of all endpoints."""
        api = self.client("pinpoint")
        made = api.create_export_job(ApplicationId=APP, ExportJobRequest={
            "RoleArn": ROLE, "S3UrlPrefix": "s3://%s/export/" % BUCKET})[
                "ExportJobResponse"]
        deadline = time.monotonic() + 120
        while made["JobStatus"] != "COMPLETED":
            self.assertLess(time.monotonic(), deadline, made)
            time.sleep(0.05)
            made = api.get_export_job(ApplicationId=APP, JobId=made["Id"])[
                "ExportJobResponse"]
        key = [key for key in self.local.objects(BUCKET, "export/")
               if made["Id"] in key]
        self.assertEqual(len(key), 1)
        body = self.local.s3().get_object(Bucket=BUCKET, Key=key[0])["Body"]
        return self.path("id-map.csv", self.moving(
            "id-map", self.path("export.gz", body.read())))

    def endpoints(self, ids):
        """Every endpoint; a user's by GetUserEndpoints are the same."""
        api = self.client("pinpoint")
        users = {}
        for name in ids:
            one = api.get_endpoint(ApplicationId=APP, EndpointId=name)[
                "EndpointResponse"]
            users.setdefault(one.get("User", {}).get("UserId"), []).append(one)
        for user, endpoints in users.items():
            if user is not None:
                found = api.get_user_endpoints(
                    ApplicationId=APP, UserId=user)["EndpointsResponse"]
                self.assertEqual({e["Id"] for e in found["Item"]},
                                 {e["Id"] for e in endpoints})
        return users

    def profiles(self, users):
        """SearchProfiles by account; BatchGetProfile says the same."""
        api = self.client("customer-profiles")
        found = {}
        for user in users:
            items = api.search_profiles(
                DomainName=DOMAIN, KeyName="_account", Values=[user])["Items"]
            self.assertLessEqual(len(items), 1, user)
            found.update((user, item) for item in items)
        again = api.batch_get_profile(
            DomainName=DOMAIN,
            ProfileIds=[p["ProfileId"] for p in found.values()])
        self.assertEqual(again.get("Errors", []), [])
        self.assertEqual({p["ProfileId"]: flat(p) for p in again["Profiles"]},
                         {p["ProfileId"]: flat(p) for p in found.values()})
        self.assertEqual(len(self.local.admin("profiles/" + DOMAIN)),
                         len(found))
        return {user: flat(profile) for user, profile in found.items()}


class SameQuery(MovingCase):
    """Every kind of column, users with one and with many endpoints."""

    maxDiff = None

    def test_attribute_by_attribute(self):
        self.local.table("endpoint", endpoint_rows())
        old, new = self.both(self.job_of(SQL),
                             limits={"max_reject_percent": 10})
        count = len(ENDPOINTS)
        self.assertEqual(old["validate"]["result"]["rows_out"], count)
        counts = new["validate"]["result"]
        self.assertEqual((counts["rows_in"], counts["rows_out"],
                          counts["rows_merged"], counts["rows_opted_out"],
                          counts["rows_rejected"]), (count, 4, 11, 2, 1))
        self.assertEqual(counts["by_rule"], {"key-missing": 1})
        self.assertEqual(counts["values_dropped"], {
            "Id": 15, "ChannelType": 8, "OptOut": 4, "Address": 1})

        users = self.endpoints(["e%02d" % n for n in range(count)])
        self.assertEqual([len(users[u]) for u in
                          ("u1", "u2", "u3", "u4", "u5", None)],
                         [10, 3, 2, 1, 1, 1])
        del users[None]
        want = {user: profile for user, profile in
                ((user, wanted(found)) for user, found in users.items())
                if profile}
        self.assertEqual(self.profiles(users), want)
        # What the comparison rests on: every rule of the table was used.
        with open(os.path.join(SOURCE, "docs", "profile-mapping.json"),
                  encoding="utf-8") as file:
            fields = {rule["field"] for rule in json.load(file)["rules"]}
        held = {field for profile in want.values() for field in profile}
        # A user of Pinpoint has each attribute once: see the class below.
        for field in fields - {"Attributes.UserAttributes_*_#"}:
            start = field.partition("#")[0].partition("*")[0]
            self.assertTrue([f for f in held if f.startswith(start)], field)
        self.assertEqual(want["u2"]["Attributes.Plan_2"], "bronze")
        self.assertEqual(want["u3"], {
            "AccountNumber": "u3", "PhoneNumber": "+15550301",
            "Address.City": "Oslo", "Address.Country": "CH",
            "Address.PostalCode": "PO 4Oslo", "Address.County": "R-Oslo",
            "Attributes.Latitude": "46.5", "Attributes.Longitude": "7.25",
            "Attributes.Plan": "iron", "Attributes.LifecycleStage": "New",
            "Attributes.Metrics_Visits": "8.0"})
        self.compared()

    def compared(self):
        """The example's comparison agrees, and sees what differs."""
        text = self.moving("compare", APP, DOMAIN).decode()
        rows = [line.split() for line in text.splitlines()]
        self.assertIn(["Location.Region", "Address.County", "4", "0", "0"],
                      rows)
        self.assertIn(["Address", "PhoneNumber", "3", "0", "0"], rows)
        self.assertIn("1 users with OptOut ALL (0 have a profile), 1 endpoints "
                      "without a user", text)
        result = self.run_pipe(SHORT, job(
            "SELECT 'e16' AS Id, 'other' AS \"Location.Region\", "
            "'1' AS \"Metrics.Added\"",
            query={"output_uri": "s3://%s/athena/" % BUCKET},
            import_={"application_id": APP}, notify={"topic_arn": TOPIC}))
        self.assertEqual(result.status, 0, result.stderr)
        text = self.moving("compare", APP, DOMAIN, status=1).decode()
        rows = [line.split() for line in text.splitlines()]
        self.assertIn(["Location.Region", "Address.County", "3", "1", "0"],
                      rows)
        self.assertIn(["Metrics.Added", "Attributes.Metrics_Added", "0", "0",
                       "1"], rows)


class UserAttributes(MovingCase):
    def test_rows_that_differ(self):
        """Pinpoint keeps the last row's value, a profile all of them."""
        self.local.table("two", "id,channel,address,user_id,stage\n"
                         "e1,SMS,+15550101,u1,New\n"
                         "e2,EMAIL,a@example.com,u1,Old\n")
        self.both(self.job_of(
            'SELECT id AS Id, channel AS "ChannelType", '
            'address AS "Address", user_id AS "User.UserId", '
            'stage AS "User.UserAttributes.Stage" FROM two ORDER BY id'))
        users = self.endpoints(["e1", "e2"])
        self.assertEqual([e["User"]["UserAttributes"] for e in users["u1"]],
                         [{"Stage": ["Old"]}] * 2)
        self.assertEqual(self.profiles(users), {"u1": {
            "AccountNumber": "u1", "PhoneNumber": "+15550101",
            "EmailAddress": "a@example.com",
            "Attributes.UserAttributes_Stage_0": "New",
            "Attributes.UserAttributes_Stage_1": "Old"}})
        text = self.moving("compare", APP, DOMAIN, status=1).decode()
        self.assertIn("(in Customer Profiles alone)               "
                      "Attributes.UserAttributes_Stage_0", text)


def ago(**time_before):
    now = datetime.datetime.now(datetime.timezone.utc)
    return (now - datetime.timedelta(**time_before)).strftime(
        "%Y-%m-%d %H:%M:%S")


class Reference(MovingCase):
    """The four reference queries yield an Id and one attribute; whose Id it
    is an export of Pinpoint tells. Times are hours away from every limit."""

    people = 20

    def lake(self):
        ids = range(self.people)
        tables = {
            "salesforce_contact": (
                "id,user_id,username,email,opted_out,country,state,first_name,"
                "last_name,missed_payments",
                ["ep-%d,user-%d,name-%d,p%d@example.com,%s,US,%s,Ann,Test,%d" %
                 (n, n, n, n, "true" if n == 19 else "false",
                  ("NY", "CA")[n % 2], n % 6 == 3) for n in ids]),
            "salesforce_loan__c": (
                "contact_id,end_date,auto_renewal",
                ["ep-%d,%s,%s" % (n, ago(days=(-10, 90)[n % 3 == 2])[:10],
                                  "true" if n in (1, 19) else "false")
                 for n in ids]),
            "some_other_data": ("endpoint_id,hours_used",
                                ["ep-%d,%d" % (n, n) for n in ids]),
            "email_click": (
                "endpoint_id,event_timestamp,ingest_timestamp",
                ["ep-%d,%s,%s" % (n, ago(days=day), ago(days=day))
                 for n in ids if n < 4 for day in (3, 5, 300)]),
            "system_logins": ("username,timestamp",
                              ["name-%d,%s" % (n, ago(days=day))
                               for n in ids if n < 6 for day in (4, 6)]),
            "google_analytics": ("user_id,timestamp",
                                 ["ep-%d,%s" % (n, ago(days=40 + day))
                                  for n in ids if n < 3 for day in (1, 2)]),
            "session_start": (
                "endpoint_id,ingest_timestamp",
                ["ep-%d,%s" % (n, ago(hours=3 if n % 4 == 0 else 60))
                 for n in ids])}
        for name, (header, rows) in tables.items():
            self.local.table(name, "\n".join([header, *rows]) + "\n")

    def example(self, name, *id_map):
        return self.both(os.path.join(EXAMPLES, "jobs", name + ".json"),
                         *id_map)

    def test_through_an_id_map(self):
        self.lake()
        counts = self.example(CONTACTS)[1]["validate"]["result"]
        self.assertEqual((counts["rows_out"], counts["rows_opted_out"]),
                         (self.people - 1, 1))
        id_map = self.export()
        with open(id_map, encoding="utf-8") as file:
            self.assertEqual(sorted(file.read().split()), sorted(
                ["Id,User.UserId"] + ["ep-%d,user-%d" % (n, n)
                                      for n in range(self.people)]))
        without = json.loads(self.moving("job", os.path.join(
            EXAMPLES, "jobs", REFERENCE[0] + ".json"), DOMAIN, "60"))
        result = self.run_pipe(MOVED, without)
        self.assertEqual(result.manifest["error"]["name"], "ConfigInvalid")
        self.assertIn("import.id_map", result.manifest["error"]["message"])

        rows = {}
        for name in REFERENCE:
            old, new = (m["validate"]["result"]
                        for m in self.example(name, id_map))
            self.assertEqual(old["rows_out"], new["rows_out"])
            self.assertEqual(new["rows_rejected"], 0)
            rows[name] = new["rows_out"]
        self.assertEqual(rows, {
            "1-clicked-email": 4, "2-renewal-30d": 9,
            "3-unengaged-by-state": 14, "4-sessions-24h": 5})

        users = self.endpoints(["ep-%d" % n for n in range(self.people)])
        held = self.profiles(users)
        names = set()
        for user, found in users.items():
            if found[0]["OptOut"] == "ALL":
                continue  # nothing of it came with the contacts
            want = wanted(found)
            if int(found[0]["Id"][3:]) % 4 == 0:
                want["Attributes.segment_sessions-24h"] = "1"
            self.assertEqual(held[user], want)
            names |= set(want)
        self.assertLessEqual({"Attributes." + name for name in (
            "HasClicked", "LifecycleStage", "UnengagedByState",
            "LoggedInDuringLast24Hours", "FirstName")}, names)
        # The map knows who opted out: a profile without an address.
        self.assertEqual(held["user-19"], {
            "AccountNumber": "user-19",
            "Attributes.UnengagedByState": "CA"})
        self.moving("compare", APP, DOMAIN)

        segments = self.client("pinpoint").get_segments(ApplicationId=APP)[
            "SegmentsResponse"]["Item"]
        self.assertEqual([(s["Name"], s["ImportDefinition"]["Size"])
                          for s in segments], [("sessions-24h", 5)])
        members = self.client("customer-profiles").get_segment_membership(
            DomainName=DOMAIN, SegmentDefinitionName="sessions-24h",
            ProfileIds=[p["ProfileId"] for p in
                        self.local.admin("profiles/" + DOMAIN)])["Profiles"]
        self.assertEqual(len([m for m in members
                              if m["QueryResult"] == "PRESENT"]), 5)


if __name__ == "__main__":
    unittest.main()
