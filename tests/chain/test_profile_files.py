"""The transformer's target customer-profiles, as a process: one row a person,
compared with the same work in a few lines of Python."""

import csv
import gzip
import io
import json
import os
import random
import shutil
import subprocess
import tempfile
import unittest

from harness import SOURCE, check_manifest, program

FIELDS = {"SMS": ["PhoneNumber", "HomePhoneNumber", "MobilePhoneNumber",
                  "BusinessPhoneNumber"],
          "EMAIL": ["EmailAddress", "PersonalEmailAddress",
                    "BusinessEmailAddress"]}


class ProfileFiles(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="lakeseg-profiles-")
        self.addCleanup(shutil.rmtree, self.dir)

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        return path

    def run_on(self, text, *options, status=0, rules=None, limits=None,
               **import_):
        """The receipt, the file of profiles and the rejects."""
        job = {"lakeseg": 1, "run": {"id": "run-1"},
               "import": {"destination": "customer-profiles", **import_},
               "validate": {"rules": rules or {},
                            "limits": limits or {"max_reject_percent": 100}},
               "data": [{"uri": self.write("in.csv", text),
                         "role": "query-result", "format": "csv"}]}
        done = subprocess.run(
            [program("csv-validate"), *options],
            input=json.dumps(job).encode(), capture_output=True, check=False,
            timeout=300, env={**os.environ, "LAKESEG_WORK": self.dir,
                              "TMPDIR": self.dir})
        self.assertEqual(done.returncode, status, done.stderr)
        receipt = check_manifest(done.stdout)
        if status != 0:
            return receipt, None, None
        parts = [entry["uri"] for entry in receipt["data"]
                 if entry["role"] == "normalized"]
        out = [self.read(uri) for uri in parts]
        rejects = [self.read(entry["uri"]) for entry in receipt["data"]
                   if entry["role"] == "rejects"]
        return receipt, out[0] if len(out) == 1 else out, [
            json.loads(line) for line in rejects[0].splitlines()]

    def read(self, path):
        with open(path, encoding="utf-8") as file:
            return file.read()

    def counts(self, receipt):
        result = receipt["validate"]["result"]
        self.assertEqual(
            result["rows_in"],
            sum(result["rows_" + name] for name in
                ("out", "rejected", "dropped", "merged", "unchanged")))
        return result

    def test_people_with_endpoints(self):
        """Random endpoints; threads, reader and order change nothing."""
        draw = random.Random(7)
        rows = []
        for number in range(4000):
            channel = draw.choice(["SMS", "EMAIL", "GCM"])
            rows.append([
                "e%04d" % number, channel,
                {"SMS": "+49%07d" % number, "EMAIL": "P%d@x.org" % number,
                 "GCM": "token%d" % number}[channel],
                "u%d" % draw.randrange(1500),
                draw.choice(["gold", "silver, \"fine\"", "", "bronze"]),
                draw.choice(["Rome", "Oslo", ""])])
        people = {}
        for row in sorted(rows):
            people.setdefault(row[3], []).append(row)
        want = {}
        for user, endpoints in people.items():
            profile = want.setdefault(user, {"AccountNumber": user})
            for channel, names in FIELDS.items():
                values = [e[2] for e in endpoints if e[1] == channel]
                kind = {"SMS": "PhoneNumber", "EMAIL": "EmailAddress"}[channel]
                for i, value in enumerate(values):
                    profile[names[i] if i < len(names) else
                            "Attributes_%s_%d" % (kind, i + 1)] = value
            plans = list(dict.fromkeys(e[4] for e in endpoints if e[4]))
            for i, plan in enumerate(plans):
                profile["Attributes_Plan" if len(plans) == 1 else
                        "Attributes_Plan_%d" % i] = plan
            cities = [e[5] for e in endpoints if e[5]]
            if cities:
                profile["Address_City"] = cities[0]
        outputs = set()
        for options in ((), ("--threads", "1"), ("--reader", "libcsv"),
                        ("--threads", "3")):
            draw.shuffle(rows)
            text = io.StringIO()
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(["Id", "ChannelType", "Address", "User.UserId",
                             "Attributes.Plan", "Location.City"])
            writer.writerows(rows)
            receipt, out, rejects = self.run_on(text.getvalue(), *options)
            self.assertEqual(rejects, [])
            outputs.add(out)
        self.assertEqual(len(outputs), 1)
        got = {row["AccountNumber"]: {k: v for k, v in row.items() if v}
               for row in csv.DictReader(io.StringIO(out))}
        self.assertEqual(got, want)
        result = self.counts(receipt)
        self.assertEqual(result["rows_out"], len(want))
        self.assertEqual(result["rows_merged"], len(rows) - len(want))
        fields = result["profile_fields"]
        self.assertEqual([f["header"] for f in fields],
                         out.split("\n", 1)[0].split(","))
        self.assertEqual(fields[0]["filled"], len(want))
        self.assertEqual(result["key"], "AccountNumber")
        for field in fields:
            self.assertNotIn(".", field["header"])
            self.assertEqual(
                field["filled"],
                sum(field["header"] in p for p in want.values()))
        pushes = sum(row[1] == "GCM" for row in rows)
        self.assertEqual(result["values_dropped"]["Address"], pushes)

    def test_the_id_map(self):
        id_map = gzip.compress(b"Id,User.UserId,X\n ,u7,\nE1,u1,\n e2,u2,\ne9,u9,\n")
        receipt, out, rejects = self.run_on(
            "Id,Attributes.Plan\ne1,gold\ne2,\ne3,gold\n",
            id_map=self.write("map.csv.gz", id_map))
        self.assertEqual(out, "AccountNumber,Attributes_Plan\nu1,gold\nu2,\n")
        self.assertEqual([(r["record"], r["rule"], r["key"])
                          for r in rejects], [(3, "key-unknown", "e3")])
        self.assertEqual(self.counts(receipt)["by_rule"], {"key-unknown": 1})

    def test_bad_id_maps(self):
        for text, words in (
                ("", "import.id_map: it is empty"),
                ("Id,Name\n1,2\n", "'Id' and 'User.UserId'"),
                ("Id,User.UserId\ne\0,u1\n", "record 1: a NUL byte in an Id"),
                ("Id,User.UserId\ne1,\"u", "a quote is open at the end"),
                (gzip.compress(b"Id,User.UserId\ne1,u1\n" * 900)[:-20],
                 "import.id_map")):
            with self.subTest(words):
                receipt, _, _ = self.run_on(
                    "Id\ne1\n", status=65, id_map=self.write("map", text))
                self.assertEqual(receipt["error"]["name"], "DataInvalid")
                self.assertIn(words, receipt["error"]["message"])
                self.assertFalse([e for e in receipt["data"]
                                  if e["role"] == "normalized"])
        receipt, _, _ = self.run_on("Id\ne1\n", status=74,
                                    id_map=self.dir + "/none")
        self.assertIn("import.id_map", receipt["error"]["message"])

    def test_no_key_no_map(self):
        receipt, _, _ = self.run_on("Id,Attributes.Plan\ne1,gold\n", status=78)
        self.assertEqual(receipt["error"]["name"], "ConfigInvalid")
        for way in ("import.key", "import.id_map"):
            self.assertIn(way, receipt["error"]["message"])

    def test_limits_count_what_the_map_did_not_know(self):
        text = "Id\n" + "".join("e%d\n" % i for i in range(10))
        id_map = self.write("map", "Id,User.UserId\n" + "".join(
            "e%d,u\n" % i for i in range(8)))
        _, out, _ = self.run_on(text, id_map=id_map,
                                limits={"max_reject_percent": 20})
        self.assertEqual(out, "AccountNumber\nu\n")
        for limits, words in (
                ({"max_reject_percent": 19.9}, "2 of 10 rows rejected"),
                ({"max_reject_percent": 100, "max_rejects": 1},
                 "2 rows rejected, max_rejects allows 1"),
                ({"max_reject_percent": 100, "min_rows": 2},
                 "1 rows came out, min_rows asks for 2")):
            receipt, _, _ = self.run_on(text, status=65, id_map=id_map,
                                        limits=limits)
            self.assertIn(words, receipt["error"]["message"])
        _, out, _ = self.run_on(text, id_map=id_map,
                                limits={"max_reject_percent": 100,
                                        "max_rows": 1})
        self.assertEqual(out, "AccountNumber\nu\n")

    def test_opted_out(self):
        text = "Id,User.UserId,OptOut\ne1,u1,all\ne2,u1,NONE\ne3,u2,ALL\n"
        receipt, out, _ = self.run_on(text)
        self.assertEqual(out, "AccountNumber\nu1\n")
        self.assertEqual(self.counts(receipt)["rows_opted_out"], 2)
        _, out, _ = self.run_on(text, rules={"opt_out": "attribute"})
        self.assertEqual(out, "AccountNumber,Attributes_OptOut\nu1,ALL\n"
                              "u2,ALL\n")

    def test_values(self):
        """1 to 255 characters, of any column; none is empty."""
        long = "\u00e9" * 255
        text = ("User.UserId,Attributes.A,Location.City\n"
                "u1,%s,%s\nu2,%sx,\nu3,,%sx\n%sx,,\n" % ((long,) * 5))
        _, out, rejects = self.run_on(text)
        self.assertEqual(out, "AccountNumber,Attributes_A,Address_City\n"
                              "u1,%s,%s\n" % (long, long))
        self.assertEqual([(r["record"], r["rule"]) for r in rejects],
                         [(n, "attribute-length") for n in (2, 3, 4)])
        receipt, _, _ = self.run_on(text, status=78, rules={"empty": "keep"})
        self.assertIn("validate.rules.empty", receipt["error"]["message"])

    def test_the_same_row_twice(self):
        """Without Ids there is nothing that must differ."""
        text = ("User.UserId,ChannelType,Address\n"
                "u1,EMAIL,a@x.org\nu1,EMAIL,a@x.org\nu2,EMAIL,a@x.org\n")
        receipt, out, rejects = self.run_on(text)
        self.assertEqual(out, "AccountNumber,EmailAddress\nu1,a@x.org\n"
                              "u2,a@x.org\n")
        self.assertEqual(rejects, [])
        self.assertEqual(self.counts(receipt)["rows_merged"], 1)

    def test_parts(self):
        text = "User.UserId\n" + "".join("user%04d\n" % i for i in range(1000))
        receipt, out, _ = self.run_on(text, "--max-part-bytes", "3000")
        self.assertGreater(len(out), 3)
        self.assertEqual("".join(part.split("\n", 1)[1] for part in out),
                         text.split("\n", 1)[1])
        for part, entry in zip(out, (e for e in receipt["data"]
                                     if e["role"] == "normalized")):
            self.assertTrue(part.startswith("AccountNumber\n"))
            self.assertLessEqual(len(part), 3000)
            self.assertEqual(entry["rows"], part.count("\n") - 1)

    def test_a_table_of_ones_own(self):
        text = ("User.UserId,Location.Region,Attributes.A,Attributes.B\n"
                "u1,Bavaria,1,2\n")
        default = os.path.join(SOURCE, "docs", "profile-mapping.json")
        _, plain, _ = self.run_on(text)
        _, out, _ = self.run_on(text, mapping=default)
        self.assertEqual(out, plain)
        receipt, out, _ = self.run_on(text, mapping={"rules": [
            {"column": "Location.Region", "field": "Address.State"},
            {"column": "Attributes.A", "field": "AdditionalInformation"}]})
        self.assertEqual(out, "AccountNumber,Address_State,"
                              "AdditionalInformation\nu1,Bavaria,1\n")
        self.assertEqual(
            self.counts(receipt)["values_dropped"]["Attributes.B"], 1)
        for bad in ({"rules": [{"column": "Location.City", "field": "*"}]},
                    {"rules": []}, {"rules": [{"column": "x"}]},
                    {"rules": [{"column": "x", "field": "y", "use": "?"}]},
                    self.write("bad.json", "{"), self.dir + "/none"):
            receipt, _, _ = self.run_on(
                text, status=74 if bad == self.dir + "/none" else 78,
                mapping=bad)
            self.assertIn("import.mapping", receipt["error"]["message"])

    def test_a_table_of_ones_own_for_many_columns(self):
        """What counts against the 25 is what the job's own table maps."""
        names = ["Attributes.A%d" % i for i in range(30)]
        text = "User.UserId,%s\nu1%s\n" % (",".join(names), ",x" * 30)
        receipt, _, _ = self.run_on(text, status=65)
        self.assertIn("31 columns", receipt["error"]["message"])
        rule = {"column": "Attributes.A7", "field": "Attributes.Seven"}
        _, out, _ = self.run_on(text, mapping={"rules": [rule]})
        self.assertEqual(out, "AccountNumber,Attributes_Seven\nu1,x\n")
        receipt, _, _ = self.run_on(text, status=65, mapping={"rules": [
            rule, {**rule, "column": "Attributes.A8"}]})
        self.assertIn("both become 'Attributes_Seven'",
                      receipt["error"]["message"])

    def test_counts_when_profiles_are_refused(self):
        """The rejects that were written are counted all the same."""
        text = ("Id,User.UserId,Attributes.A\ne1,,x\ne2,u0,x\ne3,u0,x\n" +
                "".join("f%d,u1,%d\n" % (i, i) for i in range(30)))
        receipt, _, _ = self.run_on(text, status=65)
        self.assertIn("more than 25 fields", receipt["error"]["message"])
        result = self.counts(receipt)
        self.assertEqual(result["rows_rejected"], 1)
        self.assertEqual(result["by_rule"], {"key-missing": 1})
        [entry] = [e for e in receipt["data"] if e["role"] == "rejects"]
        self.assertEqual(entry["rows"], 1)
        self.assertEqual(self.read(entry["uri"]).count("\n"), 1)

    def test_keys_are_not_shown(self):
        """Nor the tenth most frequent of them."""
        receipt, out, _ = self.run_on(
            "Attributes.mail,Attributes.Plan\na@x.org,gold\nb@x.org,gold\n",
            key={"column": "attributes.mail", "field": "EmailAddress"})
        self.assertEqual(out, "EmailAddress,Attributes_Plan\na@x.org,gold\n"
                              "b@x.org,gold\n")
        self.assertNotIn("x.org", json.dumps(receipt))
        self.assertEqual(
            [c.get("top") for c in self.counts(receipt)["columns"]],
            [None, [{"value": "gold", "count": 2}]])

    def test_a_key_alone(self):
        """No Id, no channel, no User.UserId: other columns may be the key.
        Small pieces, so that rows of the key stand at their beginning."""
        rows = ["c%05d,%d" % (i // 2, i) for i in range(30000)]
        for first in ("Attributes.c,Metrics.m", "Metrics.m,Attributes.c"):
            lines = rows if first.startswith("A") else [
                ",".join(reversed(row.split(","))) for row in rows]
            lines = lines + ["c\"0,1", "," if first[0] == "A" else "7,"]
            for options in ((), ("--reader", "libcsv"),
                            ("--rules", "basic")):
                receipt, out, rejects = self.run_on(
                    first + "\n" + "\n".join(lines) + "\n", *options,
                    key={"column": "Attributes.c"})
                self.assertEqual(
                    out, "AccountNumber,Metrics_m\n" + "".join(
                        "c%05d,%d\n" % (i, 2 * i) for i in range(15000)))
                self.assertEqual([(r["rule"], r["key"]) for r in rejects],
                                 [("malformed-quote", None),
                                  ("key-missing", None)])
                self.assertEqual(self.counts(receipt)["rows_merged"], 15000)

    def test_a_key_beside_a_user(self):
        _, out, rejects = self.run_on(
            "User.UserId,Attributes.c,Metrics.m\n,c1,x\n,c2,1\nu,c2,\n",
            key={"column": "Attributes.c", "field": "EmailAddress"})
        self.assertEqual(out, "EmailAddress,AccountNumber,Metrics_m\nc2,u,1\n")
        self.assertEqual([(r["rule"], r["key"]) for r in rejects],
                         [("metric-number", "c1")])

    def test_nobody(self):
        for text in ("User.UserId,Attributes.A\n",
                     "User.UserId,Attributes.A\n,x\n"):
            receipt, out, _ = self.run_on(
                text, limits={"max_reject_percent": 100, "min_rows": 0})
            self.assertEqual(out, "AccountNumber\n")
            self.assertEqual(self.counts(receipt)["rows_out"], 0)

    def test_json_is_not_for_profiles(self):
        receipt, _, _ = self.run_on("User.UserId\nu\n", "--format", "json",
                                    status=78)
        self.assertIn("takes CSV", receipt["error"]["message"])


if __name__ == "__main__":
    unittest.main()
