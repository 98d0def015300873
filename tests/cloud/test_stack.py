"""scripts/deploy with the real AWS CLI: a stack at moto's server, made, updated,
shown, and refused."""

import json
import logging
import os
import re
import subprocess
import sys
import tempfile
import unittest
import warnings

import boto3
from moto import mock_aws
from moto.cloudformation import models
from moto.cloudformation.parsing import OutputMap
from moto.server import ThreadedMotoServer

import patches
from definitions import SOURCE

KEYS = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1"}
NEEDED = ["--set", "Image=lakeseg:1", "--set", "DataLakeS3Path=s3://lake/crm/",
          "--set", "GlueDatabase=crm", "--set", "CustomerProfilesDomain=acme"]
# moto asks nobody whose a bucket is: the one named 'theirs' is another account's
CLI = """#!/bin/sh
case "$*" in
*"head-bucket --bucket theirs --expected-bucket-owner 123456789012"*)
    echo Forbidden >&2; exit 254 ;;
*validate-template*)
    echo "$*" >>"%s/validated" ;;
esac
exec "%s" -m awscli "$@"
"""
SMALL = json.dumps({"Resources": {"T": {"Type": "AWS::SNS::Topic"}},
                    "Outputs": {"O": {"Value": {"Ref": "T"}}}})


def keep_outputs():
    """moto forgets the outputs of a stack that a change set made."""
    original = models.ChangeSet.apply

    def apply(self):
        original(self)
        self.stack.output_map = OutputMap(
            self.stack.resource_map, self.template_dict, self.stack_id)

    models.ChangeSet.apply = apply


class Moto(unittest.TestCase):
    def test_forgets_outputs(self):
        """Or the repair above can go."""
        os.environ.update(KEYS)
        with mock_aws():
            formation = boto3.client("cloudformation")
            formation.create_change_set(StackName="s", ChangeSetName="c",
                                        ChangeSetType="CREATE",
                                        TemplateBody=SMALL)
            formation.execute_change_set(StackName="s", ChangeSetName="c")
            found = formation.describe_stacks(StackName="s")["Stacks"][0]
        self.assertEqual(found.get("Outputs", []), [])


class Stack(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        logging.disable(logging.CRITICAL)  # of moto: what it does not know
        warnings.simplefilter("ignore")
        patches.cloudformation_no_value()
        keep_outputs()
        cls.server = ThreadedMotoServer(ip_address="127.0.0.1", port=0,
                                        verbose=False)
        cls.server.start()
        # by this name: moto takes any other for a bucket's
        cls.url = "http://localhost:%d" % cls.server.get_host_and_port()[1]
        cls.home = tempfile.TemporaryDirectory()
        # the script that pip installs does not start in a path with blanks
        cls.aws = os.path.join(cls.home.name, "aws")
        with open(cls.aws, "w", encoding="utf-8") as file:
            file.write(CLI % (cls.home.name, sys.executable))
        os.chmod(cls.aws, 0o755)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.home.cleanup()

    def deploy(self, *words, **environment):
        env = {**KEYS, "PATH": self.home.name + os.pathsep +
               os.environ["PATH"],
               "HOME": self.home.name, "AWS_ENDPOINT_URL": self.url,
               "AWS_EC2_METADATA_DISABLED": "true", **environment}
        # not by its first line: pyenv's python3 puts an aws of its own first
        done = subprocess.run(
            [sys.executable, os.path.join(SOURCE, "scripts", "deploy"),
             *words], env=env, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False, timeout=300)
        self.assertNotIn("Traceback", done.stdout)
        return done

    def client(self, service):
        return boto3.client(service, endpoint_url=self.url,
                            region_name=KEYS["AWS_REGION"],
                            aws_access_key_id="k", aws_secret_access_key="s")

    def test_made(self):
        done = self.deploy("--stack", "made", *NEEDED)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, r"StateMachineArn +arn:aws:states:")
        self.assertIn("validating", done.stdout)
        with open(os.path.join(self.home.name, "validated"),
                  encoding="utf-8") as file:
            self.assertIn("lakeseg-templates-123456789012-eu-central-1/",
                          file.read())
        buckets = self.client("s3").list_buckets()["Buckets"]
        self.assertIn("lakeseg-templates-123456789012-eu-central-1",
                      [b["Name"] for b in buckets])
        self.update()

    def update(self):
        """What is not given keeps its value. Only as a change set: moto
        updates resources whose condition is false, too, and fails."""
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
            file.write('SELECT id AS "User.UserId"\nFROM people\n')
            file.flush()
            done = self.deploy("--stack", "made", "--no-execute",
                               "--query-file", file.name)
        self.assertEqual(done.returncode, 0, done.stdout)
        change = re.search(r"arn:aws:cloudformation:\S+", done.stdout).group(0)
        found = self.client("cloudformation").describe_change_set(
            ChangeSetName=change, StackName="made")["Parameters"]
        given = {p["ParameterKey"]: p.get("ParameterValue") for p in found}
        self.assertEqual(given["GlueDatabase"], "crm")
        self.assertEqual(json.loads('"%s"' % given["Query"]),
                         'SELECT id AS "User.UserId"\nFROM people')

    def test_only_shown(self):
        done = self.deploy("--stack", "shown", "--no-execute", *NEEDED)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("describe-change-set", done.stdout)

    def test_what_is_missing_is_named(self):
        done = self.deploy("--stack", "missing", *NEEDED[:2])
        self.assertEqual(done.returncode, 65, done.stdout)
        self.assertIn("DataLakeS3Path, GlueDatabase", done.stdout)

    def test_no_such_bucket(self):
        done = self.deploy("--stack", "x", "--bucket", "not-there", *NEEDED)
        self.assertEqual(done.returncode, 69, done.stdout)
        self.assertIn("not-there", done.stdout)

    def test_a_bucket_of_another_account(self):
        """Who owns it could deploy another template in our name."""
        self.client("s3").create_bucket(
            Bucket="theirs", CreateBucketConfiguration={
                "LocationConstraint": KEYS["AWS_REGION"]})
        done = self.deploy("--stack", "x", "--bucket", "theirs", *NEEDED)
        self.assertEqual(done.returncode, 69, done.stdout)
        self.assertIn("theirs", done.stdout)

    def test_no_server(self):
        done = self.deploy("--stack", "x", *NEEDED, AWS_MAX_ATTEMPTS="1",
                           AWS_ENDPOINT_URL="http://127.0.0.1:9")
        self.assertEqual(done.returncode, 69, done.stdout)
        self.assertIn("get-caller-identity", done.stdout)


if __name__ == "__main__":
    unittest.main()
