"""What may go wrong in a round, drawn from its random numbers."""

import os
import signal
import time

from supervised import children_of

# Every one of these is cured by the client's own retries, or by the stage
# being entered again: none may change how a run ends. (A bit that flips is
# found, and is the end of the run: tests/chain/test_faults.py.)
OPERATIONS = {
    "common": ("athena.StartQueryExecution", "athena.GetQueryExecution",
               "athena.GetWorkGroup", "s3.GetObject", "s3.HeadObject",
               "s3.PutObject", "sns.Publish"),
    "pinpoint": ("s3.ListObjectsV2", "pinpoint.GetImportJobs",
                 "pinpoint.CreateImportJob", "pinpoint.GetImportJob",
                 "pinpoint.GetSegments", "pinpoint.GetSegment"),
    "customer-profiles": ("profiles.ListUploadJobs",
                          "profiles.CreateUploadJob",
                          "profiles.GetUploadJobPath", "upload.PutObject",
                          "profiles.StartUploadJob",
                          "profiles.GetUploadJob"),
}
KINDS = ("error:503:ServiceUnavailable", "error:500:InternalError",
         "error:429:TooManyRequestsException", "delay:80", "lost", "cut:0",
         "cut:20", "truncate:20", "slow:20000")


class Plan:
    """The faults of a round, and the moments at which something is killed."""

    def __init__(self, random, destination, stages_of_job, seconds):
        operations = OPERATIONS["common"] + OPERATIONS[destination]
        self.rules = []
        for operation in random.sample(operations, random.choice((0, 1, 1,
                                                                  2))):
            self.rules.append("%s=%s,count=%d,skip=%d" % (
                operation, random.choice(KINDS), random.randint(1, 2),
                random.choice((0, 0, 0, 1, 2))))
        self.strikes = []
        stages = 0
        for number in range(random.randint(1, 3)):
            target = random.choice(("supervisor", "stage"))
            # a stage that dies three times under one supervisor has failed
            if target == "stage":
                stages += 1
                if stages == 3:
                    target = "supervisor"
            how = random.choice((signal.SIGKILL, signal.SIGTERM))
            if random.random() < 0.5:  # what is resumed has less to do
                self.strikes.append(Strike(
                    target, how, None, random.uniform(0, seconds /
                                                      (1 + number))))
            else:  # short stages get their share, too
                self.strikes.append(Strike(
                    target, how, random.randrange(stages_of_job),
                    random.uniform(0, 0.06)))
        self.is_abandoned = random.random() < 0.1

    def __str__(self):
        return "; ".join([str(s) for s in self.strikes] + self.rules +
                         (["left behind"] if self.is_abandoned else []))


class Strike:
    """saved: not before so many stages have ended; None: at any time."""

    def __init__(self, target, number, saved, after_s):
        self.target = target
        self.number = number
        self.saved = saved
        self.after_s = after_s
        self.hit = None  # the name of who was hit

    def __str__(self):
        return "%s to the %s %.3f s after %s%s" % (
            signal.Signals(self.number).name, self.target, self.after_s,
            "its start" if self.saved is None else "stage %d" % self.saved,
            "" if self.hit is None else " (%s)" % self.hit)

    def strike(self, process, count_saved):
        """After its time; false: the run was quicker."""
        while self.saved is not None and count_saved() < self.saved:
            if process.poll() is not None:
                return False
            time.sleep(0.001)
        deadline = time.monotonic() + self.after_s
        while time.monotonic() < deadline:
            if process.poll() is not None:
                return False
            time.sleep(0.001)
        stages = children_of(process.pid)
        if process.poll() is not None or (self.target == "stage" and
                                          not stages):
            return False
        if self.target == "stage":
            pid, self.hit = stages[0]
            try:
                os.kill(pid, self.number)
            except ProcessLookupError:
                self.hit = None
                return False
            return True
        self.hit = "lakeseg"
        process.send_signal(self.number)
        return True  # and on at once: what it had begun must not disturb
