"""The state machines pass every validator there is, and so does the packaged
template. Faults seeded in copies of the definition are all caught; which
check caught each is printed."""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

from definitions import MACHINES, SOURCE, findings, read, substitutions


def edit(change):
    """A fault that changes the parsed definition."""

    def seed(text):
        definition = json.loads(text)
        change(definition["States"])
        return json.dumps(definition)

    return seed


def state(name, **fields):
    """A fault that sets fields of a state; ... takes one away."""

    def change(states):
        for key, value in fields.items():
            key = key.replace("_d", ".$")
            if value is ...:
                del states[name][key]
            else:
                states[name][key] = value

    return edit(change)


def pair(name, **fields):
    """A fault in how the token is given to a task."""

    def change(states):
        overrides = states[name]["Parameters"]["Overrides"]
        token = overrides["ContainerOverrides"][0]["Environment"][0]
        token.clear()
        token.update(fields)

    return edit(change)


def no_token(states):
    del states["Import"]["Parameters"]["Overrides"]["ContainerOverrides"][0][
        "Environment"][0]


def swapped(states):
    """The import before the transformer: it reads what is not there yet."""
    states["IsDuplicate"]["Default"] = "Import"
    states["Import"]["Next"] = "Transform"
    states["Transform"]["Next"] = "NotifySuccess"


FAULTS = {
    "no token": edit(no_token),
    "the token as a text": pair("Query", Name="LAKESEG_TASK_TOKEN",
                                Value="$$.Task.Token"),
    "something else as the token": pair(
        "Transform", **{"Name": "LAKESEG_TASK_TOKEN",
                        "Value.$": "$$.Execution.Id"}),
    "a resource misspelt": state(
        "Query", Resource="arn:aws:states:::ecs:runTsk.waitForTaskToken"),
    "waits for no token": state(
        "Query", Resource="arn:aws:states:::ecs:runTask"),
    "a heartbeat longer than the time-out": state("Import", TimeoutSeconds=200),
    "no heartbeat": state("Query", HeartbeatSeconds=...),
    "no time-out": state("Transform", TimeoutSeconds=...),
    "a time-out of nothing": state("Query", TimeoutSeconds=0),
    "no Catch": state("Transform", Catch=...),
    "no Retry": state("Query", Retry=...),
    "again after everything": edit(lambda s: s["Import"]["Retry"].insert(
        0, {"ErrorEquals": ["States.ALL"], "MaxAttempts": 3})),
    "again after an error misspelt": edit(
        lambda s: s["Query"]["Retry"][0].update(
            ErrorEquals=["ServiceUnavailabel"])),
    "a way to nowhere": state("Query", Next="IsDuplicat"),
    "a state that nobody comes to": edit(
        lambda s: s.update(Alone={"Type": "Succeed"})),
    "a field misspelt": edit(lambda s: s["Query"].update(
        TimeOutSeconds=s["Query"].pop("TimeoutSeconds"))),
    "Next and End": state("Scheduled", End=True),
    "a Choice without choices": state("IsDuplicate", Choices=[]),
    "a Choice of two minds": edit(
        lambda s: s["IsDuplicate"]["Choices"][0].update(NumericEquals=1)),
    "a path that is none": state("Query", ResultPath="query"),
    "a function misspelt": edit(lambda s: s["StoreInput"]["Parameters"].update(
        {"Key.$": "States.Fromat('{}', $$.Execution.Name)"})),
    "Error twice": state("Failed", Error="ImportFailed"),
    "no type": state("Transform", Type=...),
    "a failure that nobody tells": edit(
        lambda s: s["Transform"]["Catch"][0].update(Next="Failed")),
    "a failure that goes on": edit(
        lambda s: s["Transform"]["Catch"][0].update(Next="Import")),
    "told twice": state("NotifyFailure", Next="NotifySuccess"),
    "the order of the tasks": edit(swapped),
    "a subject misspelt": edit(lambda s: s["TransformFailed"]["Result"].update(
        subject="import failed: nothing importet")),
    "a status misspelt": edit(lambda s: s["IsDuplicate"]["Choices"][0].update(
        StringEquals="duplicated")),
    "a stage that is none": edit(
        lambda s: s["Transform"]["Parameters"]["Overrides"][
            "ContainerOverrides"][0].update(Command=["sfn-task", "csv"])),
    "no role": edit(lambda s: s["Query"]["Parameters"]["Overrides"].pop(
        "TaskRoleArn")),
    "a placeholder misspelt": lambda text: text.replace("${Topic}", "${Topci}"),
    "a comma too many": lambda text: text.replace('"IsScheduled"\n',
                                                  '"IsScheduled",\n', 1),
}


def part(change):
    """A fault in the Map over the parts."""
    return edit(lambda states: change(states["Transform"],
                                      states["Transform"]["ItemProcessor"]))


def in_part(change):
    """A fault in what is run for each part."""
    return part(lambda _, processor: change(processor["States"]))


PART_FAULTS = {
    "an express part": part(lambda _, p: p["ProcessorConfig"].update(
        ExecutionType="EXPRESS")),
    "parts in the run's own history": part(
        lambda _, p: p["ProcessorConfig"].pop("Mode")),
    "a run's name in a part": in_part(
        lambda s: s["TransformPart"]["Parameters"]["Overrides"][
            "ContainerOverrides"][0]["Environment"][2].update(
                {"Value.$": "$$.Execution.Name"})),
    "what no item says": in_part(
        lambda s: s["TransformPart"]["Parameters"]["Overrides"][
            "ContainerOverrides"][0]["Environment"][3].update(
                {"Value.$": "$.manifest"})),
    "a part without its token": in_part(
        lambda s: s["TransformPart"]["Parameters"]["Overrides"][
            "ContainerOverrides"][0]["Environment"].pop(0)),
    "a part without a heartbeat": in_part(
        lambda s: s["TransformPart"].pop("HeartbeatSeconds")),
    "a part that is not caught": in_part(
        lambda s: s["TransformPart"].pop("Catch")),
    "a part that fails the Map": in_part(
        lambda s: s.update(PartFailed={"Type": "Fail"})),
    "a Map that is not caught": part(lambda m, _: m.pop("Catch")),
    "all at once": part(lambda m, _: m.pop("MaxConcurrency")),
    "items from nowhere": part(lambda m, _: m.pop("ItemReader")),
    "a way out of the Map": in_part(lambda s: (
        s["TransformPart"].pop("End"),
        s["TransformPart"].update(Next="Import"))),
    "the parts are not put together": edit(
        lambda s: s["Import"]["Parameters"]["Overrides"]["ContainerOverrides"][
            0].update(Command=["sfn-task", "${ImportStage}"])),
}


class Definitions(unittest.TestCase):
    def test_each_passes_every_check(self):
        for name, resource in MACHINES.items():
            found = findings([read(name)], substitutions(resource))[0]
            self.assertEqual(found, {by: [] for by in found}, name)
            self.assertEqual(len(found), 4)

    def test_seeded_faults_are_caught(self):
        self.assertGreaterEqual(len(FAULTS), 20)
        self.catch("state-machine.asl.json", FAULTS)

    def test_seeded_faults_of_parts_are_caught(self):
        self.catch("state-machine-large.asl.json", PART_FAULTS)

    def test_large_is_as_the_other(self):
        """All but the transformer, and what stands at its two ends."""
        small, large = (json.loads(read(name))["States"] for name in (
            "state-machine.asl.json", "state-machine-large.asl.json"))
        self.assertEqual(list(small), list(large))
        different = {name for name in small if small[name] != large[name]}
        self.assertEqual(different, {"Query", "Transform", "Import"})

        def command(task):
            return task["Parameters"]["Overrides"]["ContainerOverrides"][0]

        command(large["Query"])["Command"].remove("parts-split")
        command(large["Import"])["Command"].remove("parts-collect")
        command(large["Import"])["Environment"][3]["Value.$"] = \
            "$.transform.manifest_uri"
        self.assertEqual(small["Query"], large["Query"])
        self.assertEqual(small["Import"], large["Import"])
        task = large["Transform"]["ItemProcessor"]["States"]["TransformPart"]
        for name in ("Resource", "TimeoutSeconds", "HeartbeatSeconds",
                     "Retry"):
            self.assertEqual(task[name], small["Transform"][name])

    def catch(self, definition, faults):
        text = read(definition)
        seeded = {name: seed(text) for name, seed in faults.items()}
        for name, fault in seeded.items():
            self.assertNotEqual(fault, text, name)
        found = findings(list(seeded.values()), substitutions("StateMachine"))
        missed = set(seeded)
        alone = {}
        for name, by in zip(seeded, found):
            caught = [check for check, said in by.items() if said]
            print("%-36s %s" % (name, ", ".join(caught) or "MISSED"))
            if caught:
                missed.remove(name)
            if len(caught) == 1:
                alone[caught[0]] = alone.get(caught[0], 0) + 1
        print("caught by one check alone: %s" % alone)
        self.assertEqual(missed, set())

    def test_packaged_template_is_clean(self):
        """No rule is left out, and no finding is excused."""
        packaged = os.path.join(SOURCE, "build", "lakeseg-template.yaml")
        subprocess.run([os.path.join(SOURCE, "scripts", "package")],
                       check=True, stdout=subprocess.DEVNULL)
        done = subprocess.run(
            [sys.executable,
             os.path.join(os.path.dirname(sys.executable), "cfn-lint"),
             "--include-checks", "I", "--", packaged],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300,
            check=False)
        self.assertEqual((done.stdout.decode().strip(), done.returncode),
                         ("", 0))

    def test_package_gives_the_same_bytes(self):
        """And each state machine as it is in its file, comments kept."""
        made = [subprocess.run(
            [os.path.join(SOURCE, "scripts", "package"), "--output", "-"],
            stdout=subprocess.PIPE, check=True).stdout for _ in range(2)]
        self.assertEqual(made[0], made[1])
        text = made[0].decode()
        blocks = re.findall(r"^ +(?:DefinitionString: |- )\|\n"
                            r"((?: +[{}\"].*\n)+)", text, re.M)
        self.assertEqual([json.loads(b) for b in blocks],
                         [json.loads(read(name)) for name in MACHINES])
        comments = [line for line in read("template.yaml").splitlines()
                    if line.lstrip().startswith("#")]
        self.assertTrue(comments)
        for line in comments:
            self.assertIn(line + "\n", text)

    def test_package_names_what_is_wrong(self):
        line = "      DefinitionString: '@machine.json'\n"
        for template, machine, word in [
                ("Resources: {}\n", None, "names no state machine"),
                (line, None, "machine.json"),
                (line, "{", "machine.json"),
                (line, "[]", "machine.json"),
                (line, json.dumps({"StartAt": "S"}), "machine.json"),
                (line, json.dumps({"States": {"S": "x" * 1000001}}),
                 "1000000")]:
            with self.subTest(machine and machine[:20]), \
                    tempfile.TemporaryDirectory() as folder:
                for name, text in (("t.yaml", template),
                                   ("machine.json", machine)):
                    if text is not None:
                        with open(os.path.join(folder, name), "w",
                                  encoding="utf-8") as out:
                            out.write(text)
                done = subprocess.run(
                    [os.path.join(SOURCE, "scripts", "package"), "--template",
                     os.path.join(folder, "t.yaml"), "--output", "-"],
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                    check=False)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertIn(word, done.stderr)
                self.assertNotIn("Traceback", done.stderr)


if __name__ == "__main__":
    unittest.main()
