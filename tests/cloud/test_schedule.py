"""Expressions of EventBridge Scheduler: what is taken, and what is not."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["LAKESEG_SOURCE"], "scripts"))
import deploy_schedule  # noqa: E402

TAKEN = [
    "rate(5 minutes)", "rate(1 hours)", "rate(1 days)", "rate(30 days)",
    "at(2027-01-31T06:00:00)", "at(2028-02-29T23:59:59)",
    "cron(0 6 * * ? *)", "cron(0 6 ? * MON-FRI *)", "cron(15 10 ? * 6L *)",
    "cron(0 6 ? * 2#1 *)", "cron(0 6 L * ? *)", "cron(0 6 15W * ? *)",
    "cron(0/15 8-18 ? * MON,WED,FRI *)", "cron(*/10 * * * ? *)",
    "cron(0 6 1 JAN,APR,JUL,OCT ? 2027-2030)", "cron(0 6 29 2 ? *)",
    "cron(59 23 31 12 ? 2199)", "cron(0 6 ? * mon *)",
    "cron(0 6 30 2,3 ? *)", "cron(0 6 ? * L *)",
]
# what is wrong with it, and a word of the message
REFUSED = [
    ("five fields, as in crontab", "cron(0 6 * * ?)", "6"),
    ("seven fields", "cron(0 0 6 * * ? *)", "6"),
    ("neither day is ?", "cron(0 6 * * * *)", "?"),
    ("both days are ?", "cron(0 6 ? * ? *)", "?"),
    ("? elsewhere", "cron(? 6 * * ? *)", "minutes"),
    ("minute 60", "cron(60 6 * * ? *)", "0-59"),
    ("hour 24", "cron(0 24 * * ? *)", "0-23"),
    ("day 0", "cron(0 6 0 * ? *)", "1-31"),
    ("month 13", "cron(0 6 * 13 ? *)", "1-12"),
    ("weekday 0, as in crontab", "cron(0 6 ? * 0 *)", "1-7"),
    ("weekday 8", "cron(0 6 ? * 8 *)", "1-7"),
    ("a weekday in full", "cron(0 6 ? * MONDAY *)", "day-of-week"),
    ("year 2200", "cron(0 6 * * ? 2200)", "1970-2199"),
    ("a range backwards", "cron(0 18-8 * * ? *)", "backwards"),
    ("a step of nothing", "cron(0/0 6 * * ? *)", "/"),
    ("the sixth Monday", "cron(0 6 ? * 2#6 *)", "day-of-week"),
    ("L among the hours", "cron(0 L * * ? *)", "hours"),
    ("# among the days", "cron(0 6 2#1 * ? *)", "day-of-month"),
    ("an empty item", "cron(0,,5 6 * * ? *)", "minutes"),
    ("30 February", "cron(0 6 30 2 ? *)", "never"),
    ("31 April or June", "cron(0 6 31 APR,JUN ? *)", "never"),
    ("no unit", "rate(5)", "days"),
    ("rate 0", "rate(0 days)", "days"),
    ("one day in the singular", "rate(1 day)", "days"),
    ("weeks", "rate(2 weeks)", "days"),
    ("a date alone", "at(2027-01-31)", "at("),
    ("30 February", "at(2027-02-30T06:00:00)", "day"),
    ("with a zone", "at(2027-01-31T06:00:00Z)", "at("),
    ("nothing", "", "none"),
    ("a crontab line", "0 6 * * *", "none"),
    ("too long", "cron(0 6 ? * %s *)" % ",".join(["MON"] * 80), "256"),
]


class Expressions(unittest.TestCase):
    def test_taken(self):
        for expression in TAKEN:
            with self.subTest(expression):
                deploy_schedule.check(expression, "Europe/Berlin")

    def test_refused(self):
        for what, expression, word in REFUSED:
            with self.subTest(what):
                with self.assertRaises(deploy_schedule.Wrong) as caught:
                    deploy_schedule.check(expression)
                self.assertIn(word, str(caught.exception))

    def test_zones(self):
        for zone in ("UTC", "America/New_York", "Etc/GMT+5"):
            deploy_schedule.check("rate(1 days)", zone)
        for zone in ("CEST", "Europe/Berln", "", "../etc/passwd"):
            with self.subTest(zone), self.assertRaises(deploy_schedule.Wrong):
                deploy_schedule.check("rate(1 days)", zone)


if __name__ == "__main__":
    unittest.main()
