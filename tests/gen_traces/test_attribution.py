"""Whose bug a run is taken for, by its evidence alone."""

import pytest

from gen_traces.attribution import DIFFERENT, Told, attribute, distance, evidence, nearest
from gen_traces.band import Departure


def run(scenario, seed, shows, decisive=("loss",), workload="lm_pretraining"):
    return Told(scenario, workload, seed, shows, decisive)


def three(scenario, shows, **more):
    return [run(scenario, seed, shows, **more) for seed in range(3)]


def test_evidence_is_signed_and_leaves_out_single_layers():
    away = {
        "loss": Departure(9.0, 3, "above"),
        "val_loss": Departure(9.0, 3, "below"),
        "lr": Departure(0.4, None, "above"),
        "activations/layer.2": Departure(50.0, 0, "above"),
        "activations/layer.*": Departure(50.0, 0, "above"),
    }
    found = evidence(away, {"batch": True, "config": False})
    assert found["loss"] == pytest.approx(-found["val_loss"]) and found["loss"] > 0
    assert set(found) == {"loss", "val_loss", "activations/layer.*", "batch"}
    assert found["batch"] == DIFFERENT


def test_distance_is_0_for_equal_and_near_1_for_unlike_evidence():
    assert distance({"loss": 20.0}, {"loss": 20.0}) == 0.0
    assert distance({"loss": 20.0}, {"lr": 20.0}) > 0.9
    assert distance({"loss": 20.0}, {"loss": -20.0}) > 0.9
    assert distance({}, {}) == 0.0


def test_a_scenario_with_one_run_is_left_out():
    found = attribute("cpu", [*three("shift", {"loss": 9.0}), run("alone", 0, {"lr": 9.0})])
    assert (found.runs, found.right) == (3, 3)


def test_two_runs_that_show_next_to_nothing_are_near_each_other():
    graze, bug = {"lr": 0.8}, {"loss": 6.0, "grad_norm": 5.0}
    assert distance(graze, {"val_loss": 0.9}) < distance(graze, bug)


def test_a_run_is_attributed_by_runs_of_other_seeds_only():
    alone = run("odd-fox", 0, {"loss": 3.0})
    assert nearest(alone, [alone, run("red-elk", 1, {"loss": 2.0})]) == "red-elk"


def test_only_scenarios_of_the_same_workload_compete():
    others = [run("red-elk", 1, {"loss": 3.0}, workload="image_classification"), run("odd-fox", 1, {"lr": 1.0})]
    assert nearest(run("odd-fox", 0, {"loss": 3.0}), others) == "odd-fox"


def test_bugs_that_look_different_are_told_apart():
    found = attribute("cpu", three("odd-fox", {"loss": 3.0}) + three("red-elk", {"loss": -3.0}))
    assert (found.runs, found.right, found.confused, found.inseparable) == (6, 6, (), ())


def test_equal_evidence_cannot_be_told_apart():
    found = attribute("cpu", three("odd-fox", {"loss": 3.0}) + three("red-elk", {"loss": 3.0}))
    assert found.right == 0
    assert found.confused == (("odd-fox", "red-elk", 3), ("red-elk", "odd-fox", 3))
    assert found.inseparable == (("odd-fox", "red-elk"),)


def test_decisive_evidence_alone_may_not_be_enough():
    runs = three("odd-fox", {"loss": 3.0, "lr": 2.0}) + three("red-elk", {"loss": 3.0, "lr": -2.0})
    found = attribute("cpu", runs)
    assert (found.right, found.right_by_decisive) == (6, 0)
    assert found.inseparable == ()
