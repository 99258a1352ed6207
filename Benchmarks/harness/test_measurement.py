"""Tests of what the bench computes itself; the rest of it shows in every run."""

from __future__ import annotations

import unittest

from load import Connection
from measurement import Arm, Column, Target, percentile
from targets import judge


class MeasurementTests(unittest.TestCase):
    def test_a_ratio_is_the_median_of_the_rounds_own_ratios(self):
        arm = Arm("plain", "", [Column("cost", "cost", has_ratio=True)])
        for mine, theirs in ((10, 20), (30, 40), (9, 10)):
            arm.record("heddle", cost=mine)
            arm.record("haproxy", cost=theirs)
        self.assertEqual(arm.ratio("heddle", "haproxy", "cost"), 0.75)
        self.assertEqual(arm.median("heddle", "cost"), 10)
        self.assertEqual(arm.as_json()["proxies"]["haproxy"]["heddleRatio"], {"cost": 0.75})

    def test_a_difference_is_the_median_of_the_rounds_own_differences(self):
        arm = Arm("attested-first", "", [])
        for mine, theirs in ((12, 10), (30, 21), (7, 4)):
            arm.record("heddle, by user", wait=mine)
            arm.record("heddle, open", wait=theirs)
        self.assertEqual(arm.difference("heddle, by user", "heddle, open", "wait"), 3)
        self.assertIsNone(arm.difference("heddle, by user", "heddle, open", "cost"))

    def test_a_row_is_compared_with_the_one_of_heddle_that_did_the_same(self):
        arm = Arm("rules", "", [])
        for row in ("heddle", "heddle 10", "before", "before 10", "envoy HTTP/1.1"):
            arm.record(row, cost=1)
        self.assertEqual(
            [arm.counterpart(row) for row in arm.rounds], [None, None, "heddle", "heddle 10", "heddle"])
        self.assertIsNone(Arm("none", "", [], {"envoy": []}).counterpart("envoy"))

    def test_percentiles_are_nearest_rank(self):
        values = [float(value) for value in range(1, 101)]
        self.assertEqual(percentile(values, 0.5), 50)
        self.assertEqual(percentile(values, 0.99), 99)
        self.assertEqual(percentile([7.0], 0.99), 7)

    def test_a_target_says_whether_it_was_kept(self):
        self.assertTrue(Target("", 1.0, 0.9).is_kept)
        self.assertFalse(Target("", 1.0, 1.1).is_kept)
        self.assertTrue(Target("", 1.5, 1.6, is_minimum=True).is_kept)
        self.assertIsNone(Target("", 1.0, None).is_kept)

    def test_targets_are_judged_only_where_heddle_ran(self):
        arm = Arm("resident", "", [])
        arm.record("haproxy", residentMebibytes=12)
        self.assertEqual(judge([arm]), [])
        arm.record("heddle", residentMebibytes=25)
        kept = {target.what: target.is_kept for target in judge([arm])}
        self.assertIs(kept["resident with 100 resources: MiB"], False)
        self.assertIsNone(kept["plain hop: p99, × HAProxy"])


class ConnectionTests(unittest.TestCase):
    def test_answers_are_read_with_a_length_and_in_chunks(self):
        connection = Connection.__new__(Connection)
        connection._buffer = (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Generation: 7\r\n\r\nok"
            b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2;x\r\nab\r\n0\r\n\r\n")
        self.assertEqual(connection.receive(), (200, {"content-length": "2", "x-generation": "7"}, b"ok"))
        self.assertTrue(connection.is_reusable)
        status, _, body = connection.receive()
        self.assertEqual((status, body), (404, b"ab"))
        self.assertFalse(connection.is_reusable)


if __name__ == "__main__":
    unittest.main()
