"""moto's server with its interpreter of state machines on, and with each task
of Fargate as a process on this machine.

LAKESEG_LAUNCHER is a JSON object: "bin", the folder of the programs; "work",
where tasks work, log and are listed; "front", the URL that tasks and the
interpreter send their requests to; "env", variables that the tests give every
task over those of its definition.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from urllib.parse import quote
from urllib.request import urlopen

import boto3
from botocore.config import Config

import patches
from moto.core.config import default_user_config
from moto.ecs import models as ecs
from moto.server import main
from moto.stepfunctions.parser.asl.component.state.exec.state_map. \
    state_map import StateMap
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service. \
    state_task_service import StateTaskService

CREDENTIALS = "/v2/credentials/"


class Tasks:
    """What runs now. The list of all that ran is <work>/tasks.jsonl: a line
    when one begins, one when it has ended."""

    def __init__(self, config):
        self.config = config
        self.running = {}
        self.lock = threading.Lock()
        self.list = open(os.path.join(config["work"], "tasks.jsonl"), "a",
                         encoding="utf-8", buffering=1)

    def note(self, **fields):
        with self.lock:
            self.list.write(json.dumps(fields) + "\n")

    def environment(self, region, task, role, container):
        work = os.path.join(self.config["work"], task.id)
        os.makedirs(work)
        env = {"AWS_REGION": region, "AWS_ENDPOINT_URL": self.config["front"],
               "AWS_CONTAINER_CREDENTIALS_FULL_URI":
               self.config["front"] + CREDENTIALS + quote(role, safe="")}
        pairs = list(container.get("environment") or [])
        for override in self.overrides(task, container):
            pairs += override.get("environment") or []
        # str: a parameter that is a Number is one here, and a text in ECS.
        env.update({pair["name"]: str(pair["value"]) for pair in pairs})
        for mount in container.get("mountPoints") or []:
            for name, value in env.items():
                if (value + "/").startswith(mount["containerPath"] + "/"):
                    env[name] = work + value[len(mount["containerPath"]):]
        env.update(self.config["env"])
        return env

    @staticmethod
    def overrides(task, container):
        given = (task.overrides or {}).get("containerOverrides") or []
        return [o for o in given if o.get("name") == container["name"]]

    def words(self, task, container):
        command = container.get("command") or []
        for override in self.overrides(task, container):
            command = override.get("command") or command
        words = (container.get("entryPoint") or []) + command
        return [os.path.join(self.config["bin"], os.path.basename(words[0])),
                *words[1:]]

    def start(self, backend, task):
        definition = backend.describe_task_definition(task.task_definition_arn)
        container = definition.container_definitions[0]
        role = (task.overrides or {}).get("taskRoleArn") or \
            definition.task_role_arn
        env = self.environment(backend.region_name, task, role, container)
        words = self.words(task, container)
        with open(os.path.join(self.config["work"], task.id, "log"),
                  "wb") as log:
            child = subprocess.Popen(words, env=env, cwd="/", stdout=log,
                                     stderr=log, stdin=subprocess.DEVNULL,
                                     start_new_session=True)
        with self.lock:
            self.running[task.id] = child
        self.note(task=task.id, pid=child.pid, role=role, words=words,
                  run=env.get("LAKESEG_RUN_ID"), env=sorted(env))
        threading.Thread(target=self.wait, args=(task, child),
                         daemon=True).start()

    def wait(self, task, child):
        status = child.wait()
        with self.lock:
            del self.running[task.id]
        for container in task.containers:
            container.exit_code = status
        task.desired_status = task.last_status = "STOPPED"
        self.note(task=task.id, exit=status)

    def stop(self, task_id):
        with self.lock:
            child = self.running.get(task_id)
        if child is not None:
            child.terminate()

    def kill_all(self):
        with self.lock:
            children = list(self.running.values())
        for child in children:
            try:
                os.killpg(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def run_tasks_here(tasks):
    backend = ecs.EC2ContainerServiceBackend
    run, stop = backend.run_task, backend.stop_task

    def run_task(self, *args, **kwargs):
        started = run(self, *args, **kwargs)
        for task in started:
            tasks.start(self, task)
        return started

    def stop_task(self, cluster_str, task_str, reason):
        tasks.stop(task_str.split("/")[-1])
        return stop(self, cluster_str, task_str, reason)

    backend.run_task, backend.stop_task = run_task, stop_task


def sign_as_role(front):
    """The interpreter signs with keys of its state machine's role, so that
    the front knows who called, and names buckets in the path: nothing
    resolves <bucket>.localhost."""
    here = threading.local()

    def remember_role(kind):
        evaluate = kind._eval_execution

        def remember(self, env):
            here.role = env.aws_execution_details.role_arn
            evaluate(self, env)

        kind._eval_execution = remember

    def client(region, service, state_credentials=None):
        url = front + CREDENTIALS + quote(here.role, safe="")
        with urlopen(url, timeout=60) as answer:
            keys = json.load(answer)
        return boto3.client(
            service, region_name=region, endpoint_url=front,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["Token"],
            config=Config(parameter_validation=False, read_timeout=120,
                          retries={"total_max_attempts": 1},
                          s3={"addressing_style": "path"}))

    for kind in (StateTaskService, StateMap):  # a Map reads its items
        remember_role(kind)
    for name, module in list(sys.modules.items()):
        if name.startswith("moto.stepfunctions.") and \
                hasattr(module, "boto_client_for"):
            module.boto_client_for = client


def launch(arguments):
    config = json.loads(os.environ["LAKESEG_LAUNCHER"])
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    patches.apply_all()
    tasks = Tasks(config)
    run_tasks_here(tasks)
    sign_as_role(config["front"])
    try:
        main(arguments)
    finally:
        tasks.kill_all()


if __name__ == "__main__":
    launch(sys.argv[1:])
