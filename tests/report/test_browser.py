"""Reports of real runs in Debian's Chromium: what is seen equals the
manifests, nothing leaves the file, nothing has to be scrolled sideways, and axe
finds nothing. Screenshots go to the folder that is named.

usage: test_browser.py MODULES CHROMIUM SCREENS
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from cases import Cases
from harness import Local

HERE = os.path.dirname(os.path.abspath(__file__))
SHOWN = {"good": ["360-light", "768-light", "1440-light", "1440-dark", "print"],
         "good-values": ["1440-light"], "query-invalid": ["1440-light"],
         "query-failed": ["360-dark", "1440-light"],
         "limit": ["360-light", "1440-light"], "import-failed": ["1440-light"],
         "import-partial": ["1440-dark"], "empty": ["1440-light"],
         "hostile-values": ["360-light", "1440-light"],
         "wide": ["1440-light"], "history": ["360-dark", "1440-light"]}
VIEWS = {"360-light", "768-light", "1440-light", "360-dark", "1440-dark",
         "print"}
BROKEN = """<!DOCTYPE html><html lang='en'><head><title>t</title>
<meta http-equiv='Content-Security-Policy' content="default-src 'none'"/>
</head><body><h1>t</h1><pre style='color:red'>%s</pre>
<img src='http://127.0.0.1:9/x.png'/><script>window.pwned=1</script>
</body></html>""" % ("x" * 2000)


class Browser(unittest.TestCase):
    modules = chromium = screens = None

    @classmethod
    def setUpClass(cls):
        cls.local = Local()
        cls.dir = tempfile.mkdtemp(prefix="lakeseg-browser-")
        try:
            cls.cases = Cases(cls.local, cls.dir)
            cls.cases.run_all()
            cls.look()
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.local.stop()
        shutil.rmtree(cls.dir)

    @classmethod
    def look(cls):
        paths = {name: path for name, (_, path) in cls.cases.made.items()}
        paths["history"] = os.path.join(cls.dir, "history.html")
        cls.cases.report("--job", "renewal-30d", cls.dir,
                         "--output", paths["history"])
        paths["broken"] = os.path.join(cls.dir, "broken.html")
        with open(paths["broken"], "w", encoding="utf-8") as file:
            file.write(BROKEN)
        plan = os.path.join(cls.dir, "plan")
        with open(plan, "w", encoding="utf-8") as file:
            json.dump({"screens": cls.screens, "pages": [
                {"name": name, "path": path, "screens": SHOWN.get(name, []),
                 "keyboard": name == "good"}
                for name, path in paths.items()]}, file)
        os.makedirs(cls.screens, exist_ok=True)
        done = subprocess.run(
            ["node", os.path.join(HERE, "browser.mjs"), cls.modules,
             cls.chromium, plan], capture_output=True, timeout=900,
            check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.decode()[-2000:])
        seen = json.loads(done.stdout)
        print("Chromium %s" % seen["version"])
        cls.broken = seen["pages"].pop("broken")
        cls.pages = seen["pages"]
        cls.paths = paths

    def each(self, check):
        for name, page in self.pages.items():
            for view in page["views"]:
                with self.subTest(page=name, view=view["view"]):
                    check(name, page, view)

    def test_all_views_were_looked_at(self):
        for name, page in self.pages.items():
            self.assertEqual({v["view"] for v in page["views"]}, VIEWS, name)

    def test_the_checks_would_see_it(self):
        """A page with everything wrong is found to be wrong."""
        self.assertTrue(self.broken["console"])
        for view in self.broken["views"]:
            self.assertTrue(view["wide"])
            self.assertEqual((view["scripts"], view["loads"]), (1, 1))
            self.assertIn("style", view["handlers"])
        rules = {v["id"] for v in self.broken["views"][0]["axe"]}
        self.assertIn("image-alt", rules)

    def test_nothing_leaves_the_file(self):
        def check(name, page, view):
            self.assertEqual(page["requests"],
                             ["file://" + self.paths[name]])
            self.assertEqual((view["scripts"], view["loads"]), (0, 0))
            self.assertEqual(view["handlers"], [])
            self.assertFalse(view["pwned"])
            for link in view["links"]:
                self.assertIn(link[1:], view["ids"])

        self.each(check)

    def test_nothing_on_the_console(self):
        """A style that the policy does not let in would be told there."""
        self.each(lambda name, page, view:
                  self.assertEqual(page["console"], []))

    def test_no_scrolling_sideways(self):
        def check(_name, _page, view):
            self.assertFalse(view["wide"], view["widest"])
            self.assertEqual(view["widest"], [])

        self.each(check)

    def test_axe_finds_nothing(self):
        looked = []

        def check(name, _page, view):
            if "axe" in view:
                looked.append(name)
                self.assertEqual(view["axe"], [])

        self.each(check)
        self.assertEqual(len(looked), 3 * len(self.pages))

    def test_light_and_dark(self):
        for page in self.pages.values():
            colors = {v["view"]: v["background"] for v in page["views"]}
            self.assertNotEqual(colors["360-light"], colors["360-dark"])
            self.assertEqual(colors["print"], "rgb(255, 255, 255)")

    def test_headings_skip_no_level(self):
        def check(_name, _page, view):
            before = 0
            for level in view["headings"]:
                self.assertLessEqual(level, before + 1)
                before = level
            self.assertEqual(view["headings"].count(1), 1)

        self.each(check)

    def test_numbers_that_are_seen(self):
        def check(name, _page, view):
            if name == "history":
                return
            result = (self.cases.made[name][0].get("validate") or {}).get(
                "result") or {}
            for field, text in view["fields"]:
                section, _, key = field.rpartition(".")
                if section == "validate.result":
                    self.assertEqual(int(text.replace(",", "")), result[key])
            counts = [int(text.replace(",", ""))
                      for field, text in view["fields"] if field == "by_rule"]
            self.assertEqual(sorted(counts),
                             sorted((result.get("by_rule") or {}).values()))

        self.each(check)

    def test_verdicts(self):
        for name, words in (("good", "Successful: 1,988 of 2,000 rows"),
                            ("query-invalid", "Query invalid:"),
                            ("query-failed", "Query failed:"),
                            ("limit", "Import failed, nothing imported:"),
                            ("import-partial",
                             "Import failed, perhaps partly imported:"),
                            ("empty", "Successful: the query found nobody"),
                            ("incomplete", "Not finished:")):
            for view in self.pages[name]["views"]:
                self.assertIn(words, view["heading"].replace("\n", " "))

    def test_keyboard(self):
        keyboard = self.pages["good"]["keyboard"]
        self.assertEqual(keyboard["stops"][0], "A To the outcome")
        self.assertIn("A Rejects", keyboard["stops"])
        self.assertEqual(keyboard["stops"][-1], "SUMMARY The whole document")
        self.assertTrue(keyboard["isOpen"])


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    Browser.modules, Browser.chromium, Browser.screens = [
        os.path.abspath(word) for word in sys.argv[1:4]]
    unittest.main(argv=[sys.argv[0], "-v"])
