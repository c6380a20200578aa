#!/usr/bin/python3
"""Runs the Python tests of tests/interop and tests/e2e: run.py [FOLDER|FILE|NAME-PART...].

One line per test as it ends, failures in full, and "N passed, N failed" as the last line.
"""

import os
import pathlib
import signal
import sys
import time
import unittest

TESTS = pathlib.Path(__file__).resolve().parent


class Report(unittest.TestResult):
    """Counts test methods: one with a failing sub-test is one failure."""

    def __init__(self):
        super().__init__()
        self.passed, self.bad, self.left_out, self.failed = 0, 0, 0, []

    def startTest(self, test):
        super().startTest(test)
        self.begun, self.trouble, self.reason = time.monotonic(), [], None

    def say(self, verdict, test):
        name = ".".join(test.id().split(".")[-3:])
        print(f"{verdict} {name} ({time.monotonic() - self.begun:.1f} s)", flush=True)

    def note(self, test, err):
        self.trouble.append(f"== {test.id()} {getattr(test, '_message', '')}\n{self._exc_info_to_string(err, test)}")

    def addError(self, test, err):
        if not hasattr(self, "trouble") or isinstance(test, unittest.suite._ErrorHolder):
            # setUpClass and the like: no test method was started.
            self.begun, self.trouble = time.monotonic(), []
            self.note(test, err)
            self.finish(test)
        else:
            self.note(test, err)

    addFailure = addError

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.trouble.append(f"== {subtest.id()}\n{self._exc_info_to_string(err, test)}")

    def addSkip(self, test, reason):
        self.reason = reason
        if isinstance(test, unittest.suite._ErrorHolder):
            self.left_out += 1
            print(f"skip {test.id()}: {reason}", flush=True)

    def finish(self, test):
        if self.trouble:
            self.bad += 1
            self.failed.append(test.id())
            self.say("FAIL", test)
            print("\n".join(self.trouble), flush=True)
        elif self.reason is not None:
            self.left_out += 1
            self.say(f"skip ({self.reason})", test)
        else:
            self.passed += 1
            self.say("ok  ", test)

    def stopTest(self, test):
        super().stopTest(test)
        self.finish(test)


def tests_of(suite):
    for each in suite:
        if isinstance(each, unittest.TestSuite):
            yield from tests_of(each)
        else:
            yield each


def main(arguments):
    sys.path[:0] = [str(TESTS / "interop"), str(TESTS / "e2e")]
    loader = unittest.TestLoader()
    suites = [unittest.TestSuite(loader.discover(str(TESTS / part), top_level_dir=str(TESTS / part)))
              for part in ("interop", "e2e")]  # fmt: skip
    chosen = unittest.TestSuite()
    for part, suite in zip(("interop", "e2e"), suites):
        for test in tests_of(suite):
            if not arguments or any(a.rstrip("/").split("/")[-1].removesuffix(".py") in f"{part}.{test.id()}" for a in arguments):
                chosen.addTest(test)
    report = Report()
    chosen.run(report)
    for name in report.failed:
        print(f"FAIL {name}")
    skipped = f", {report.left_out} skipped" if report.left_out else ""
    print(f"{report.passed} passed, {report.bad} failed{skipped}")
    return 1 if report.bad or not (report.passed or report.left_out) else 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    # A shell without a terminal lets what it starts in the background ignore SIGINT, and so would all that is tested.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
