"""A lakeseg-local with room for some rounds, the job of a round, and a picture
of all that a run leaves: at the services, in its folders, in its receipt."""

import json
import os
import re

from harness import Local, job

ROWS = 60
SQL = ("SELECT id AS Id, channel AS \"ChannelType\", address AS \"Address\", "
       "user AS \"User.UserId\", plan AS \"User.UserAttributes.Plan\" "
       "FROM people")
CHAINS = {
    "short": ["athena-exec", "csv-validate-normalize", "IMPORT",
              "sns-notify"],
    "long": ["athena-exec", "s3-fetch", "csv-validate-normalize", "s3-put",
             "IMPORT", "sns-notify"]}
IMPORTERS = {"pinpoint": "pinpoint-import",
             "customer-profiles": "profiles-import"}
UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIMES = ("CreationDate", "EffectiveDate", "ProfileId", "CohortId", "RequestId")


class World:
    """Each round has an application and a domain of its own."""

    def __init__(self, rounds):
        names = range(rounds)
        self.local = Local(
            "--app", ",".join("a%d" % n for n in names),
            "--domain", ",".join("d%d" % n for n in names),
            "--query-delay-ms", "60", "--job-delay-ms", "60")
        rows = ["p%d,EMAIL,p%d@example.com,u%d,gold\n" % (i, i, i)
                for i in range(ROWS)]
        rows.append(rows[0])             # twice
        rows.append("bad,EMAIL,,ub,x\n")  # without an address
        self.local.table("people", "id,channel,address,user,plan\n" +
                         "".join(rows))

    def stop(self):
        status = self.local.stop()
        if status != 0:
            raise RuntimeError("lakeseg-local ended with %d" % status)

    def make(self, number, name, destination, chain):
        return Job(self.local, number, name, destination, chain)


class Job:
    def __init__(self, local, number, name, destination, chain):
        self.local = local
        self.app = "a%d" % number
        self.domain = "d%d" % number
        self.name = name
        self.destination = destination
        self.importer = IMPORTERS[destination]
        self.stages = [self.importer if s == "IMPORT" else s
                       for s in CHAINS[chain]]
        self.state = os.path.join(local.dir, "state-" + name)
        self.work = os.path.join(local.dir, "work-" + name)
        self.place = "runs/%s/" % name

    def write(self, run_id):
        """The job file of one run; its path."""
        document = job(SQL, run={"name": self.name, "id": run_id,
                                 "stages": self.stages},
                       query={"output_uri": "s3://results/" + self.place},
                       validate={"limits": {"max_reject_percent": 5}})
        if self.destination == "pinpoint":
            document["import"].update({
                "application_id": self.app, "define_segment": True,
                "segment_name": "chaos"})
        else:
            document["import"] = {
                "destination": self.destination, "domain": self.domain,
                "expiry_days": 60, "max_unknown_keys_percent": 100}
        path = os.path.join(self.local.dir, run_id + ".json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document, file)
        return path

    def environment(self):
        return self.local.environment(
            LAKESEG_STATE=self.state, LAKESEG_WORK=self.work,
            LAKESEG_LOG="warn", LAKESEG_RETRY_BASE_MS="5")

    # pictures

    def queries(self):
        return [q["state"] for q in self.local.admin("queries")
                if self.place in q["output_uri"]]

    def imports(self):
        """What was started, each as (status, rows, failed)."""
        if self.destination == "pinpoint":
            return [(j["JobStatus"], j["TotalProcessed"], j["TotalFailures"])
                    for j in self.local.admin("imports/" + self.app)]
        return [(j["Status"], j["ResultsSummary"]["CreatedRecords"] +
                 j["ResultsSummary"]["UpdatedRecords"],
                 j["ResultsSummary"]["FailedRecords"])
                for j in self.local.admin("upload-jobs/" + self.domain)
                if j["Status"] != "CREATED"]

    def store(self):
        if self.destination == "pinpoint":
            found = self.local.admin("endpoints/%s?limit=9000" % self.app)
        else:
            found = self.local.admin("profiles/" + self.domain)
        for one in found:
            for name in TIMES:
                one.pop(name, None)
            one.pop("ApplicationId", None)
        return sorted(json.dumps(one, sort_keys=True) for one in found)

    def outcomes(self):
        """(run id, subject, type), as often as they were told."""
        return [tuple(m["attributes"][a]["value"] if a else m["subject"]
                      for a in ("run_id", None, "notification_type"))
                for m in self.local.messages()
                if m["attributes"]["run_name"]["value"] == self.name]

    def objects(self, run_id):
        """Keys without what is new in every run, and sizes."""
        return sorted((UUID.sub("UUID", key[len(self.place):])
                       .replace(run_id, "RUN"), size)
                      for key, size in self.local.objects(
                          prefix=self.place).items())

    def uploads(self):
        return len(self.local.s3().list_multipart_uploads(
            Bucket="results").get("Uploads", []))

    def folder(self, root, run_id):
        return sorted(UUID.sub("UUID", os.path.relpath(
            os.path.join(at, name), root)).replace(run_id, "RUN")
                      for at, _, names in os.walk(root) for name in names)

    def count_saved(self, run_id):
        folder = os.path.join(self.state, "runs", run_id, "manifests")
        try:
            return len([n for n in os.listdir(folder) if n[0] != "."])
        except FileNotFoundError:
            return 0

    def receipt(self, run_id):
        path = os.path.join(self.state, "runs", run_id, "receipt.json")
        if not os.path.exists(path):
            return None
        with open(path, "rb") as file:
            return json.load(file)

    def picture(self, run_id):
        """All that two runs of one kind must have in common."""
        receipt = self.receipt(run_id) or {}
        result = receipt.get("import", {}).get("result", {})
        return {
            "queries": [q for q in self.queries() if q != "CANCELLED"],
            "imports": self.imports(),
            "store": self.store(),
            "outcomes": sorted({o[1:] for o in self.outcomes()
                                if o[0] == run_id}),
            "objects": self.objects(run_id),
            "unfinished uploads": self.uploads(),
            "state": [f.replace(self.name, "JOB")
                      for f in self.folder(self.state, run_id)],
            "work": self.folder(self.work, run_id),
            "status": receipt.get("status"),
            "stages": [(s["stage"], s["status"])
                       for s in receipt.get("stages", [])],
            "counts": receipt.get("validate", {}).get("result", {})
            .get("by_rule"),
            "rows": [receipt.get("validate", {}).get("result", {}).get(n)
                     for n in ("rows_in", "rows_out", "rows_rejected",
                               "rows_dropped")],
            "jobs": [(j.get("status"), j.get("processed"), j.get("failed"))
                     for j in result.get("jobs", [])],
            "told": receipt.get("notify", {}).get("result", {})
            .get("message_id") is not None}
